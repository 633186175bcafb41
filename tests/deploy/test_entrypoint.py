from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from deploy.entrypoint import environment, wait_for
from deploy.local.servers import free_port


def test_addresses_with_passwords_come_from_files(tmp_path: Path) -> None:
    file = tmp_path / "database_url"
    file.write_text("postgresql://practice:secret@postgres:5432/practice\n")
    result = environment({"DATABASE_URL_FILE": str(file), "LISTEN": "0.0.0.0:1", "SIGNING_KEY_FILE": "/k"})
    assert result == {
        "DATABASE_URL": "postgresql://practice:secret@postgres:5432/practice",
        "LISTEN": "0.0.0.0:1",
        "SIGNING_KEY_FILE": "/k",
    }


@pytest.mark.parametrize(
    ("name", "told"),
    [("nowhere", "it takes the path of a file that can be read"), ("empty", "the file is empty")],
)
def test_a_secret_file_without_a_secret_is_one_line(tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / "empty").write_text("\n")
    path = tmp_path / name
    with pytest.raises(SystemExit) as ended:
        environment({"REDIS_URL_FILE": str(path)})
    assert ended.value.code == f"error: REDIS_URL_FILE={path}: {told}"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ((), "there is no command: name one, such as python -m session_service.main"),
        (("/nowhere/python",), "/nowhere/python cannot be run: no such file or directory"),
    ],
)
def test_a_command_that_cannot_be_run_is_one_line(command: tuple[str, ...], told: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.entrypoint", *command], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, f"error: {told}\n")


def test_the_command_replaces_the_entry_point(tmp_path: Path) -> None:
    file = tmp_path / "redis_url"
    file.write_text("redis://:secret@redis:6379/0")
    script = "import os; print(os.getpid(), os.environ['REDIS_URL'], 'REDIS_URL_FILE' in os.environ)"
    process = subprocess.Popen(
        [sys.executable, "-m", "deploy.entrypoint", sys.executable, "-c", script],
        env={**os.environ, "REDIS_URL_FILE": str(file)},
        stdout=subprocess.PIPE,
        text=True,
    )
    output, _ = process.communicate()
    assert output == f"{process.pid} redis://:secret@redis:6379/0 False\n"


def test_the_command_waits_until_what_it_needs_takes_connections() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        later = threading.Timer(1.0, listener.listen)
        later.start()
        wait_for(f"{address},{address}", seconds=60)
        later.join()


def test_what_never_takes_connections_is_named() -> None:
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "deploy.entrypoint", "true"]
    with pytest.raises(TimeoutError, match=address):
        wait_for(address, seconds=0)
    done = subprocess.run(command, env={**os.environ, "WAIT_FOR": ""}, check=False)
    assert done.returncode == 0
