"""How long everybody's progress takes to derive anew, against a bare scan of the same table.

    python -m benchmarks.recalculation [--completions 1000000 10000000] [--rounds 3]

Twenty completions a person, five products, five zones, the badges that are
shipped; rows lie as they came in, by time. One PostgreSQL with the settings of
the local stack, one recalculation worker with two processes. Scan and rebuild
take turns; what is compared is the quickest of each. The bare scan is

    SELECT user_id, count(*), sum(elapsed_seconds) FROM stats.completion GROUP BY user_id

as PostgreSQL plans it, its result fetched and thrown away.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import psutil
import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks.population import populate, publish_shipped_badges
from deploy.local.servers import Servers, throwaway_servers
from service_kit.broker import open_broker
from service_kit.db.engines import open_async_engine
from service_kit.db.migrate import upgrade
from stats_service.recalculation.jobs import SendPending, StartRecalculation
from stats_service.recalculation.jobs_sql import SqlJobStore
from stats_service.recalculation.ports import Recalculation, Scope
from stats_service.recalculation.tasks import CeleryRecalculationQueue

ROOT = Path(__file__).parents[1]
SCAN = "SELECT user_id, count(*), sum(elapsed_seconds) FROM stats.completion GROUP BY user_id"
EACH = 20
PROCESSES = 2
MOST_TIMES_THE_SCAN = 5
MOST_MEMORY = 1_000_000_000
# Two measurements of the same thing differ by so much.
NOISE = 1.1


@dataclass
class Measured:
    """Seconds of what was done with one number of completions, and the peak memory of a process."""

    completions: int
    scan: list[float] = field(default_factory=list)
    rebuild: list[float] = field(default_factory=list)
    deep: list[float] = field(default_factory=list)
    first: float = 0.0
    memory: int = 0


class Rebuilds:
    """Runs jobs as the server and the operator do."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers

    def run(self, *, deep: bool = False) -> Recalculation:
        """Returns a job that is done."""
        return asyncio.run(self._run(deep))

    async def _run(self, deep: bool) -> Recalculation:
        engine = open_async_engine(self._servers.database_url, pool_size=1, application="benchmark")
        broker = open_broker(self._servers.redis_url, "benchmark")
        jobs = SqlJobStore(engine)
        start = StartRecalculation(jobs, SendPending(jobs, CeleryRecalculationQueue(broker)))
        job: Recalculation | None = await start(Scope(), shadow=False, deep=deep)
        while job is not None and job.finished_at is None:
            await asyncio.sleep(0.1)
            job = await jobs.find(job.job_id)
        broker.close()
        await engine.dispose()
        assert job is not None
        assert job.shards_failed == 0, job.last_error
        return job


def seconds_of(job: Recalculation) -> float:
    """From before the first shard was made until after the last was done, by the database's clock."""
    assert job.finished_at is not None
    return (job.finished_at - job.created_at).total_seconds()


def scan(url: str) -> float:
    """Returns how long the bare scan takes."""
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor(binary=True) as cursor:
        began = time.perf_counter()
        # The rows arrive; nothing is made of them.
        cursor.execute(SCAN)
        return time.perf_counter() - began


def settle(url: str) -> None:
    """Does what autovacuum does when it gets to it."""
    with psycopg.connect(url, autocommit=True) as connection:
        tables = ("completion", "calendar_change", "learner", "daily_progress", "standing", "awarded_badge")
        connection.execute("VACUUM ANALYZE " + ", ".join(f"stats.{table}" for table in tables))


@contextmanager
def worker(servers: Servers, directory: Path) -> Iterator[psutil.Process]:
    """A worker with its processes, for the duration of a block."""
    token = directory / "token"
    token.write_text("benchmark")
    environment = {
        **os.environ,
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "SESSION_ADDRESS": "127.0.0.1:1",
        "INTERNAL_TOKEN_FILE": str(token),
        "RECONCILIATION_RECENT_SECONDS": "0",
        "LOG_LEVEL": "WARNING",
    }
    words = [sys.executable, "-m", "celery", "-A", "stats_service.recalculation_worker", "worker"]
    words += ["--queues", "recalculation,upkeep", "--concurrency", str(PROCESSES)]
    words += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    with (directory / "worker.log").open("ab") as log:
        process = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


@contextmanager
def peak_memory(parent: psutil.Process, told: Callable[[int], None]) -> Iterator[None]:
    """Tells the most resident memory that any process of a worker had during a block."""
    over = threading.Event()
    most = 0

    def look() -> None:
        nonlocal most
        while not over.wait(0.05):
            family = [parent, *parent.children(recursive=True)]
            most = max(most, *(process.memory_info().rss for process in family))

    thread = threading.Thread(target=look)
    thread.start()
    yield
    over.set()
    thread.join()
    told(most)


def measure(completions: int, rounds: int, say: Callable[[str], None], *, deep: bool = True) -> Measured:
    """Returns what was measured on servers of their own; deep rebuilds take several times as long."""
    measured = Measured(completions)
    with tempfile.TemporaryDirectory() as directory, throwaway_servers() as servers:
        url = servers.database_url
        upgrade("stats_service", url)
        publish_shipped_badges(url)
        say(f"{completions:,} completions: putting them in")
        populate(url, completions // EACH, EACH)
        settle(url)

        def remember(most: int) -> None:
            measured.memory = max(measured.memory, most)

        with worker(servers, Path(directory)) as parent, peak_memory(parent, remember):
            rebuilds = Rebuilds(servers)
            say("everything is derived and written for the first time")
            measured.first = seconds_of(rebuilds.run())
            settle(url)
            for number in range(rounds):
                say(f"round {number + 1} of {rounds}")
                measured.scan.append(scan(url))
                measured.rebuild.append(_unchanged(rebuilds.run()))
                if not deep:
                    continue
                measured.scan.append(scan(url))
                measured.deep.append(_unchanged(rebuilds.run(deep=True)))
    return measured


def _unchanged(job: Recalculation) -> float:
    assert (job.learners_wrong, job.changed_rows) == (0, 0), "what was just derived is derived otherwise"
    return seconds_of(job)


def report(measured: list[Measured]) -> Table:
    """Returns what was measured, as times the scan."""
    table = Table(box=None, pad_edge=False)
    for column in (
        "completions",
        "scan",
        "rebuild",
        "x scan",
        "rows/s",
        "deep",
        "x scan",
        "first time",
        "x scan",
    ):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("peak memory", justify="right", no_wrap=True)
    for each in measured:
        bare, rebuild, deep = min(each.scan), min(each.rebuild), min(each.deep)
        table.add_row(
            f"{each.completions:,}",
            f"{bare:.2f} s",
            *(f"{rebuild:.2f} s", f"{rebuild / bare:.1f}", f"{each.completions / rebuild:,.0f}"),
            *(f"{deep:.2f} s", f"{deep / bare:.1f}"),
            *(f"{each.first:.1f} s", f"{each.first / bare:.0f}"),
            f"{each.memory / 1e6:.0f} MB",
        )
    return table


def verdicts(measured: list[Measured]) -> Iterator[str]:
    """Says for each bound whether it was kept."""
    for each in measured:
        times = min(each.rebuild) / min(each.scan)
        kept = "kept" if times <= MOST_TIMES_THE_SCAN else "NOT KEPT"
        yield f"{each.completions:,}: {times:.1f} times the scan, at most {MOST_TIMES_THE_SCAN}: {kept}"
        kept = "kept" if each.memory < MOST_MEMORY else "NOT KEPT"
        yield f"{each.completions:,}: {each.memory / 1e6:.0f} MB in a process, under 1 GB: {kept}"
    for less, more in pairwise(measured):
        growth = min(more.rebuild) / min(less.rebuild)
        linear = more.completions / less.completions
        kept = "kept" if growth <= linear * NOISE else "NOT KEPT"
        yield (
            f"{linear:.0f} times the completions take {growth:.1f} times as long,"
            f" at most linear (but for {NOISE - 1:.0%} of noise): {kept}"
        )


def main() -> None:
    """Measures and reports."""
    parser = argparse.ArgumentParser(description="Rebuild time against a bare scan.")
    parser.add_argument("--completions", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    console = Console(stderr=True)
    measured = [measure(count, arguments.rounds, console.print) for count in arguments.completions]
    Console(width=140).print(report(measured))
    for line in verdicts(measured):
        print(line)


if __name__ == "__main__":
    main()
