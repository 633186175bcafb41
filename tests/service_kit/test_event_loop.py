"""Processes run on uvloop, and their collector leaves alone what was there before."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import asyncio, gc
from service_kit.event_loop import run

async def look():
    return type(asyncio.get_running_loop()).__module__, gc.get_freeze_count() > 1000, 7

print(*run(look()))
"""


def test_a_process_runs_on_uvloop_with_its_modules_frozen() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["uvloop", "True", "7"]
