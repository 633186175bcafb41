"""A rebuild of all progress against a bare scan of the completions it is made of."""

from __future__ import annotations

from benchmarks.context import Context
from benchmarks.measure import Goal, Line, Outcome, Spread
from benchmarks.recalculation import EACH, SCAN, Measured, measure

UNCHANGED = Goal(5, 4, "scans", at_most=True)
FIRST = Goal(25, 12, "scans", at_most=True)
LINEAR = Goal(1.1, 1.1, "times", at_most=True)
ROUNDS = 3
FEW, MANY, MANY_FULL = 1_000_000, 3_000_000, 10_000_000


def measure_rebuild(context: Context) -> Outcome:
    """Measures a million completions and several, on servers of their own."""
    context.stop_platform()
    sizes = [context.shrunk(size) for size in (FEW, MANY_FULL if context.full else MANY)]
    measured = [measure(size, ROUNDS, context.say, deep=context.full) for size in sizes]
    outcome = Outcome()
    for each in measured:
        outcome.lines += _lines(each)
    few, many = measured
    times = many.completions / few.completions
    grown = Spread.of([more / less / times for less, more in zip(few.rebuild, many.rebuild, strict=True)])
    outcome.lines.append(Line(f"time of a completion, of {times:.0f} times as many", "", "", grown, LINEAR))
    memory = max(each.memory for each in measured)
    outcome.notes.append(
        f"Rebuild: {EACH} completions a learner, in the order of time, one recalculation worker with two"
        f" processes; at most {memory / 2**20:.0f} MiB in one of them. The scan is `{SCAN}`. Everything is"
        " written for the first time once; rounds in which nothing differs alternate with scans; with"
        " `--full` ten million."
    )
    return outcome


def _lines(measured: Measured) -> list[Line]:
    scan = Spread.of(measured.scan)
    again = Spread.of([it / scan.median for it in measured.rebuild])
    first = Spread.of([measured.first / each for each in measured.scan])
    beside = f"bare scan: {scan.text(2)} s"
    size = f"{measured.completions:,} completions"
    return [
        Line(
            f"rebuild of {size}, nothing differs",
            f"{Spread.of(measured.rebuild).text(1)} s",
            beside,
            again,
            UNCHANGED,
        ),
        Line(f"rebuild of {size}, all for the first time", f"{measured.first:.1f} s", beside, first, FIRST),
    ]
