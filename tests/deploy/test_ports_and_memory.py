from __future__ import annotations

import mmap
import os
import subprocess
import sys

import pytest

from deploy.local.memory import proportional_bytes
from deploy.local.ports import PortError, Ports

MEBIBYTE = 1024 * 1024


def test_ports_have_defaults_a_base_and_single_overrides() -> None:
    assert Ports.from_environment({}) == Ports()
    assert Ports.from_environment({"GATEWAY_PORT": "8181"}).gateway == 8181
    moved = Ports.from_environment({"PRACTICE_PORT_BASE": "17000", "STATS_PORT": "17090"})
    assert (moved.gateway, moved.gateway_admin, moved.postgres, moved.stats) == (17000, 17001, 17002, 17090)


@pytest.mark.parametrize("text", ["0", "65536", "http", "-1", "80 80"])
def test_what_is_no_port_is_refused_by_name(text: str) -> None:
    with pytest.raises(PortError, match=f"GATEWAY_PORT={text} is not a port"):
        Ports.from_environment({"GATEWAY_PORT": text})


def test_two_processes_on_one_port_are_refused() -> None:
    with pytest.raises(PortError, match="gateway and redis"):
        Ports.from_environment({"GATEWAY_PORT": "6380"})


@pytest.mark.skipif(sys.platform != "linux", reason="proportional size is Linux's")
def test_memory_that_two_processes_share_counts_once_in_the_sum() -> None:
    before = proportional_bytes(os.getpid())
    shared = mmap.mmap(-1, 32 * MEBIBYTE)
    shared.write(b"x" * len(shared))
    alone = proportional_bytes(os.getpid()) - before
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writer)
        # Touches the pages, so that they are mapped here too.
        sum(shared[offset] for offset in range(0, len(shared), mmap.PAGESIZE))
        os.read(reader, 1)
        os._exit(0)
    try:
        both = proportional_bytes(os.getpid()) - before
    finally:
        os.close(writer)
        os.close(reader)
        os.waitpid(child, 0)
        shared.close()
    assert alone == pytest.approx(32 * MEBIBYTE, rel=0.1)
    assert both == pytest.approx(32 * MEBIBYTE, rel=0.25)


def test_a_process_that_is_gone_takes_no_memory() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert proportional_bytes(gone.pid) == 0
