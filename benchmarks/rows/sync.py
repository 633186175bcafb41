"""What was practised offline: batches of a thousand sessions."""

from __future__ import annotations

from benchmarks.context import Context
from benchmarks.load.plan import Result
from benchmarks.measure import Goal, Line, Outcome, Round, Side
from benchmarks.rows.rest import compare, platform_side

GOAL = Goal(3_000, 6_000, "sessions/s")
ITEMS, DEVICES, BATCHES = 1_000, 4, 2


def measure_sync(context: Context) -> Outcome:
    """Measures how many sessions a second are merged and answered for; each round has new learners."""
    platform = context.platform
    items = context.shrunk(ITEMS)
    measured: list[Round] = []
    for number in range(context.rounds + 1):
        context.say(f"sync: round {number} of {context.rounds}")
        learners = platform.learners(DEVICES)

        def check(result: Result, learners: range = learners) -> None:
            (found,) = platform.select(
                "SELECT count(*), count(DISTINCT client_id) FROM session.synced_item WHERE user_id = ANY(%s)",
                list(learners),
            )
            compare("synced sessions", found, (DEVICES * BATCHES * items,) * 2)

        side = platform_side(
            context,
            "syncs",
            learners,
            check,
            name="sync",
            each=items,
            seconds=0,
            items=items,
            batches=BATCHES,
        )
        measured.append(side.run())
    outcome = Outcome(sides=[Side(f"platform, sync of {items} sessions at a time", side.run, measured[1:])])
    reached = outcome.sides[0].spread()
    work = f"offline sync, {items:,}-session batches"
    outcome.lines.append(Line(work, f"{reached.text()} /s", "", reached, GOAL, digits=0))
    outcome.notes.append(
        f"Offline sync: {DEVICES} devices, {BATCHES} batches each, of completed sessions without answers, by"
        " `POST /v1/sessions:sync`, until all are answered; statistics follow meanwhile, as part of the load."
    )
    return outcome
