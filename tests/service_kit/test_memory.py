"""Memory goes back to the system."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Buffers of a size that grows keep glibc's thresholds rising; small ones on top keep the heap from shrinking.
PROGRAM = """
import re, sys
from service_kit.memory import return_what_is_freed
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
    done = subprocess.run([sys.executable, "-c", PROGRAM, "yes"], capture_output=True, text=True, check=True)
    during, after = map(int, done.stdout.split())
    assert during > 40
    assert after < 20
