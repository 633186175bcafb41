"""Who asks for the state of a stack whose disk is full is told so."""

from __future__ import annotations

from pathlib import Path

from deploy import topology
from deploy.local.servers import free_ports
from deploy.local.stack import LocalStack
from tests.guard import guard
from tests.small_disk import fill, small_disk

__all__ = ["small_disk"]

POSTGRES = next(process for process in topology.PROCESSES if process.name == "postgres")


def test_the_database_on_a_full_disk_is_unhealthy_and_names_the_disk(small_disk: Path) -> None:
    home = small_disk / ".practice"
    guard().watch(home)
    stack = LocalStack(home, free_ports(), processes=(POSTGRES,), jobs=())
    try:
        stack.up()
        filler = fill(small_disk)
        (row,) = stack.status()
        assert row.problem is not None
        assert row.problem.startswith("takes no writes: ")
        assert "No space left on device" in row.problem
        assert row.problem.endswith(f"(0 MiB free on the disk of {stack.layout.postgres})")
        filler.unlink()
        stack.wait_healthy()
    finally:
        stack.down()
