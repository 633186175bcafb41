"""Processes run on uvloop, their collector leaves alone what was there before, and memory goes back."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOOP = """
import asyncio, gc
from service_kit.process import run

async def look():
    return type(asyncio.get_running_loop()).__module__, gc.get_freeze_count() > 1000, 7

print(*run(look()))
"""


def test_a_process_runs_on_uvloop_with_its_modules_frozen() -> None:
    done = subprocess.run([sys.executable, "-c", LOOP], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["uvloop", "True", "7"]


# Buffers of a size that grows keep glibc's thresholds rising; small ones on top keep the heap from shrinking.
MEMORY = """
import re, sys
from service_kit.process import return_what_is_freed
if sys.argv[1] == "yes":
    return_what_is_freed()
def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024
before = resident()
held, pins = [], []
for size in (200_000, 400_000, 800_000, 1_600_000):
    held += [bytearray(size) for _ in range(40)]
    pins.append([object() for _ in range(1000)] + [bytes(600) for _ in range(100)])
    during = resident()
    held.clear()
print(during - before, resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it is about glibc")
def test_what_many_downloads_took_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", MEMORY, "yes"], capture_output=True, text=True, check=True)
    during, after = map(int, done.stdout.split())
    assert during > 40
    assert after < 20


FILES = """
import resource
from service_kit.process import open_many_files
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (256, most))
told = open_many_files()
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], most, told)
"""


def test_a_process_may_have_as_many_files_open_as_it_is_granted() -> None:
    done = subprocess.run([sys.executable, "-c", FILES], capture_output=True, text=True, check=True)
    now, most, told = map(int, done.stdout.split())
    assert told == now
    assert now == 10_240 if most < 0 else now == min(most, 10_240)
