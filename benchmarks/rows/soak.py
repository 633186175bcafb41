"""Whether the memory of any process grows under half of the load that it can take."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from statistics import linear_regression, mean

from benchmarks.context import Context
from benchmarks.measure import Goal, Line, Outcome, Spread
from benchmarks.rows.answers import check_sessions
from benchmarks.rows.rest import platform_side
from deploy.local.memory import proportional_bytes

SLOPE = Goal(1, 1, "%", at_most=True)
CONNECTIONS = 16
# Of the time: how much of it is for warming.
WARMING = 0.4
_SAMPLES = 120

# Seconds since the beginning, and bytes.
Samples = list[tuple[float, int]]


def measure_soak(context: Context) -> Outcome:
    """Finds out what whole sessions the platform does a second, and goes on with half of that."""
    platform = context.platform
    learners = platform.learners(CONNECTIONS)
    check = partial(check_sessions, platform)
    full = platform_side(context, "sessions", learners, check, name="sessions").run().value
    seconds = context.soak_minutes * 60
    context.say(f"soak: {full / 2:.1f} sessions a second for {seconds:.0f} s")
    steady = platform_side(
        context, "sessions", learners, check, name="half the load", seconds=seconds, rate=full / 2
    )
    pids = {row.name: row.pid for row in platform.stack.status(memory_too=False) if row.pid}
    with sampling(pids, seconds / _SAMPLES) as samples:
        done = steady.run()
    steady.rounds.append(done)
    growth = {name: grown(taken, seconds * WARMING) for name, taken in samples.items()}
    most = max(growth, key=lambda name: growth[name])
    reached = Spread(growth[most], min(growth.values()), growth[most])
    shown = ", ".join(
        f"{name} {growth[name]:+.1f} % of {samples[name][-1][1] / 2**20:.0f} MiB" for name in sorted(growth)
    )
    work = f"memory after warm-up, {context.soak_minutes:g} minutes at half load, the process that grew most"
    return Outcome(
        lines=[Line(work, most, "", reached, SLOPE, 1)],
        sides=[steady],
        notes=[
            f"Soak: whole sessions at half the rate of {CONNECTIONS} connections that do not pause,"
            f" {done.value:.1f} a second for {context.soak_minutes:g} minutes, of which the first"
            f" {WARMING:.0%} are for warming; the goal is for 20 (`BENCH_OPTIONS='--soak-minutes 20'`)."
            " Growth is that of a straight line through the samples of a process's proportional set size:"
            f" {shown}."
        ],
    )


@contextmanager
def sampling(pids: Mapping[str, int], every: float) -> Iterator[dict[str, Samples]]:
    """Takes the memory of processes again and again during a block."""
    samples: dict[str, Samples] = {name: [] for name in pids}
    over = threading.Event()
    began = time.monotonic()

    def take() -> None:
        while not over.wait(every):
            for name, pid in pids.items():
                samples[name].append((time.monotonic() - began, proportional_bytes(pid)))

    thread = threading.Thread(target=take)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()


def grown(samples: Samples, after: float) -> float:
    """Returns by how many percent of its mean a size grew from a moment to the last, by a straight line."""
    late = [(moment, size) for moment, size in samples if moment >= after]
    moments, sizes = [moment for moment, _ in late], [size for _, size in late]
    slope = linear_regression(moments, sizes).slope
    return slope * (moments[-1] - moments[0]) / mean(sizes) * 100
