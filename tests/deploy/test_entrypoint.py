from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.entrypoint import environment


def test_addresses_with_passwords_come_from_files(tmp_path: Path) -> None:
    file = tmp_path / "database_url"
    file.write_text("postgresql://practice:secret@postgres:5432/practice\n")
    result = environment({"DATABASE_URL_FILE": str(file), "LISTEN": "0.0.0.0:1", "SIGNING_KEY_FILE": "/k"})
    assert result == {
        "DATABASE_URL": "postgresql://practice:secret@postgres:5432/practice",
        "LISTEN": "0.0.0.0:1",
        "SIGNING_KEY_FILE": "/k",
    }


def test_a_missing_secret_file_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        environment({"REDIS_URL_FILE": "/nowhere/redis_url"})


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
