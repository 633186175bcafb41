"""A run that starts one of everything and waits to be ended; see test_ending.py."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from deploy.local.servers import start_redis
from tests.deploy.conftest import DATABASES, MakeStack


def test_holds_one_of_everything(
    make_stack: MakeStack, server_urls: tuple[str, str], pytestconfig: pytest.Config
) -> None:
    stack = make_stack(DATABASES[1])
    stack.up()
    server = start_redis()
    program = subprocess.Popen(
        [sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True
    )
    me = psutil.Process()
    controller = me.parent() if hasattr(pytestconfig, "workerinput") else me
    assert controller is not None
    started = [*controller.children(recursive=True), psutil.Process(stack.supervisor_status().pid)]
    held = {
        "controller": controller.pid,
        "worker": me.pid,
        "started": [process.pid for process in {*started, *started[-1].children(recursive=True), me}],
        "known": [program.pid, server.process.pid, stack.pid("redis")],
    }
    report = Path(os.environ["HELD"])
    unfinished = report.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(held))
    unfinished.rename(report)
    signal.pause()
