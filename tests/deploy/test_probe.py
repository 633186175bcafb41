from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy import probe
from deploy.local.servers import free_port


def test_a_heartbeat_is_fresh_old_or_of_an_earlier_process(tmp_path: Path) -> None:
    file = tmp_path / "heartbeat"
    with pytest.raises(probe.UnhealthyError, match="no heartbeat yet"):
        probe.heartbeat(file)
    file.touch()
    probe.heartbeat(file)
    with pytest.raises(probe.UnhealthyError, match="no heartbeat since its start"):
        probe.heartbeat(file, since=time.time() + 5)
    os.utime(file, (time.time() - 60, time.time() - 60))
    with pytest.raises(probe.UnhealthyError, match="last heartbeat 60 s ago"):
        probe.heartbeat(file)


def test_nobody_listening_is_unhealthy_for_every_kind() -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(probe.UnhealthyError, match="nobody answers"):
        probe.grpc_serving(address)
    with pytest.raises(probe.UnhealthyError, match="refused"):
        probe.http_ok(f"http://{address}/health")
    with pytest.raises(probe.UnhealthyError, match="refused"):
        probe.postgres(f"postgresql://a:b@{address}/c")
    with pytest.raises(probe.UnhealthyError, match="refused"):
        probe.redis(f"redis://{address}/0")


def test_the_command_tells_by_its_exit_status(tmp_path: Path) -> None:
    file = tmp_path / "heartbeat"
    command = [sys.executable, "-m", "deploy.probe", "heartbeat", str(file)]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stderr) == (1, "no heartbeat yet\n")
    file.touch()
    assert subprocess.run(command, check=False).returncode == 0
