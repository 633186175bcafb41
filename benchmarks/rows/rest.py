"""The platform beside the baselines by REST: the same scenario, played by as many learners each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.context import Context
from benchmarks.load.plan import Plan, Result
from benchmarks.measure import Side, Spread
from benchmarks.platform import Baseline
from benchmarks.processes import Processes

_PATIENCE_SECONDS = 60.0

# Of what one side did in a round; raises AssertionError when the database does not say the same.
Check = Callable[[Result], None]


def platform_side(
    context: Context,
    scenario: str,
    learners: Sequence[int],
    check: Check,
    *,
    name: str,
    each: int = 1,
    seconds: float | None = None,
    **options: Any,
) -> Side:
    """Returns the side of the platform, by its gateway."""
    platform = context.platform
    tokens = platform.tokens(learners)
    plan = Plan(
        scenario, [platform.gateway], tokens, context.seconds if seconds is None else seconds, options
    )
    return Side(f"platform, {name}", context.play(plan, platform.processes(), check, each))


def baseline_sides(
    context: Context,
    baselines: Sequence[Baseline],
    scenario: str,
    learners: Sequence[int],
    check: Check,
    *,
    name: str,
    **options: Any,
) -> list[Side]:
    """Returns a side for each baseline; the platform is held still in its rounds."""
    platform = context.platform
    tokens = platform.tokens(learners)
    platform_processes = platform.processes()
    sides = []
    for baseline in baselines:
        workers = f"{baseline.workers} worker{'s' * (baseline.workers > 1)}"
        plan = Plan(scenario, [baseline.address], tokens, context.seconds, options)
        processes = Processes({"baseline": baseline.pid, "postgres": platform.postgres_pid})
        run = context.play(plan, processes, check, suspended=platform_processes)
        sides.append(Side(f"FastAPI with {workers}, {name}", run))
    return sides


def of_quantiles(ours: Side, other: Side, share: float) -> Spread:
    """Returns a quantile of ours as a part of the other's: medians, and as far apart as any rounds were."""
    one, two = ours.quantile(share), other.quantile(share)
    return Spread(one.median / two.median, one.least / two.most, one.most / two.least)


def compare_soon(what: str, find: Callable[[], Any], expected: Any) -> None:
    """Compares again and again, for at most a minute, until it is the same. Raises AssertionError."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while (found := find()) != expected and time.monotonic() < until:
        time.sleep(0.2)
    compare(what, found, expected)


def compare(what: str, found: Any, expected: Any) -> None:
    """Raises AssertionError when what was found is not what was sent."""
    if found != expected:
        raise AssertionError(f"{what}: in the database is {found} and not {expected}")
