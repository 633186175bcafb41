"""From a completion until statistics include it: with nothing else to do, and at a hundred a second."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.context import Context
from benchmarks.load.plan import Result
from benchmarks.measure import Goal, Line, Outcome, Side, take_turns
from benchmarks.platform import Platform
from benchmarks.rows.rest import compare, platform_side

MEDIAN = Goal(20, 12, "ms", at_most=True)
P99 = Goal(150, 80, "ms", at_most=True)
IDLE_RATE, RATE = 10, 100
LEARNERS = 50


def measure_completions(context: Context) -> Outcome:
    """Measures both loads in turns."""
    platform = context.platform
    quiet, many = platform.learners(1), platform.learners(context.shrunk(LEARNERS))

    def side(name: str, learners: range, rate: float) -> Side:
        def check(result: Result) -> None:
            _check(platform, learners)

        return platform_side(context, "completions", learners, check, name=name, rate=rate)

    idle = side(f"completions, {IDLE_RATE} a second by one learner", quiet, IDLE_RATE)
    busy = side(f"completions, {RATE} a second", many, RATE)
    take_turns([idle, busy], context.rounds, context.say)
    outcome = Outcome(sides=[idle, busy])
    for load, each in (("idle", idle), (f"at {RATE} a second", busy)):
        outcome.lines += [
            _line(f"completion to visible statistics, {load}, median", each, 0.5, MEDIAN),
            _line(f"the same, {load}, p99", each, 0.99, P99),
        ]
    outcome.notes.append(
        "Completion to visible statistics: from sending `POST /v1/sessions/N:complete` to an answer, of"
        " it or of `GET /v1/standing`, that says statistics include it. Quantiles are of all rounds"
        f" together. Idle is one learner, {IDLE_RATE} times a second. CPU includes the start of each"
        " session and an answer in it."
    )
    return outcome


def _line(work: str, side: Side, share: float, goal: Goal) -> Line:
    reached = side.pooled_quantile(share)
    return Line(work, f"{side.spread().text()} /s", "", reached, goal, digits=1)


def _check(platform: Platform, learners: Iterable[int]) -> None:
    """Compares what statistics have with what was completed."""
    given = list(learners)
    completed = platform.select(
        "SELECT user_id, count(*) FROM session.practice_session"
        " WHERE user_id = ANY(%s) AND state = 'completed' GROUP BY 1 ORDER BY 1",
        given,
    )
    counted = platform.select(
        "SELECT user_id, session_count FROM stats.standing"
        " WHERE user_id = ANY(%s) AND product = 'exercises' ORDER BY 1",
        given,
    )
    compare("statistics", counted, completed)
