from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from deploy.local.memory import proportional_bytes
from deploy.local.ports import PortError, Ports

MEBIBYTE = 1024 * 1024


ALONE = {"SESSION_PROCESSES": "1", "STATS_PROCESSES": "1"}


def test_ports_have_defaults_a_base_and_single_overrides() -> None:
    assert Ports.from_environment(ALONE) == Ports()
    assert Ports.from_environment({"GATEWAY_PORT": "8181"}).gateway == 8181
    moved = Ports.from_environment({"PRACTICE_PORT_BASE": "17000", "STATS_PORT": "17090"})
    assert (moved.gateway, moved.gateway_admin, moved.postgres, moved.stats) == (17000, 17001, 17002, 17090)
    assert moved.of("gateway") == [17000, 17001, 17009]
    assert moved.of("stats") == [17090]


def test_further_processes_of_a_service_have_ports_that_do_not_depend_on_how_many_others_there_are() -> None:
    both = Ports.from_environment({"SESSION_PROCESSES": "3", "STATS_PROCESSES": "2"})
    assert both.copies == {"session-2": 50056, "session-3": 50058, "stats-2": 50057}
    alone = Ports.from_environment({"SESSION_PROCESSES": "1", "STATS_PROCESSES": "2"})
    assert alone.copies == {"stats-2": 50057}
    moved = Ports.from_environment({**ALONE, "SESSION_PROCESSES": "2", "PRACTICE_PORT_BASE": "17000"})
    assert moved.copies == {"session-2": 17010}
    assert (moved.of("session"), moved.of("session-2")) == ([17006], [17010])
    assert moved.address("session") == "127.0.0.1:17006,127.0.0.1:17010"
    assert moved.address("stats") == "127.0.0.1:17007"
    assert (moved.count("session"), moved.count("stats"), moved.count("gateway")) == (2, 1, 1)


def test_a_service_has_a_process_a_core_and_four_at_most_unless_somebody_says_it() -> None:
    expected = min(
        4, len(psutil.Process().cpu_affinity()) if sys.platform == "linux" else os.cpu_count() or 1
    )
    assert Ports.from_environment({}).count("session") == expected
    assert Ports.from_environment({}).count("stats") == expected


@pytest.mark.parametrize("text", ["0", "17", "-1", "two", "1.5"])
def test_what_is_no_number_of_processes_is_refused_by_name(text: str) -> None:
    with pytest.raises(PortError, match=f"STATS_PROCESSES={text}: it takes a whole number from 1 to 16"):
        Ports.from_environment({"STATS_PROCESSES": text})


@pytest.mark.parametrize("text", ["0", "65536", "http", "-1", "80 80"])
def test_what_is_no_port_is_refused_by_name(text: str) -> None:
    with pytest.raises(PortError, match=f"GATEWAY_PORT={text} is not a port"):
        Ports.from_environment({"GATEWAY_PORT": text})


def test_two_processes_on_one_port_are_refused() -> None:
    with pytest.raises(PortError, match="gateway and redis"):
        Ports.from_environment({"GATEWAY_PORT": "6380"})
    with pytest.raises(PortError, match="redis and stats-2 cannot share port 50057: give REDIS_PORT"):
        Ports.from_environment({"REDIS_PORT": "50057", "STATS_PROCESSES": "2"})


SHARING = f"""
import mmap, os
def wait(word):
    print(word, flush=True)
    input()
wait("small")
shared = mmap.mmap(-1, {64 * MEBIBYTE})
shared.write(b"x" * len(shared))
wait("large")
if os.fork() == 0:
    sum(shared[offset] for offset in range(0, len(shared), mmap.PAGESIZE))
    wait("shared")
    os._exit(0)
os.wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="proportional size is Linux's")
def test_memory_that_two_processes_share_counts_once_in_the_sum() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SHARING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    sizes = {}
    for word in ("small", "large", "shared"):
        assert process.stdout.readline().strip() == word
        sizes[word] = proportional_bytes(process.pid) / MEBIBYTE
        process.stdin.write("\n")
        process.stdin.flush()
    process.communicate()
    assert sizes["large"] - sizes["small"] == pytest.approx(64, abs=8)
    assert sizes["shared"] - sizes["small"] == pytest.approx(64, abs=8)


def test_a_process_that_is_gone_takes_no_memory() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert proportional_bytes(gone.pid) == 0
