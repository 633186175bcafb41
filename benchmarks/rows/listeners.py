"""Two thousand who listen to their sessions over WebSockets, all at one process of the bridge."""

from __future__ import annotations

from benchmarks.context import Context
from benchmarks.generator import generate
from benchmarks.load.plan import Plan
from benchmarks.measure import Goal, Line, Outcome, Round, Side, Spread
from benchmarks.rows.rest import compare
from deploy.local.memory import proportional_bytes

P99 = Goal(100, 100, "ms", at_most=True)
MEMORY = Goal(40, 40, "KB", at_most=True)
LISTENERS, RATE = 2_000, 50


def measure_listeners(context: Context) -> Outcome:
    """Opens all of them once; the answers of one run are looked at in as many parts as there are rounds."""
    platform = context.platform
    count = context.shrunk(LISTENERS)
    learners = platform.learners(count)
    bridge = platform.stack.pid("bridge")
    context.say(f"opening {count:,} listeners")
    before = proportional_bytes(bridge)
    after = 0

    def ready() -> None:
        nonlocal after
        after = proportional_bytes(bridge)
        context.say(f"{count:,} listen")

    seconds = context.seconds * context.rounds
    plan = Plan("listeners", [platform.gateway], platform.tokens(learners), seconds, {"rate": RATE})
    whole, result = generate(plan, platform.processes(), once_ready=ready)
    answers = "SELECT count(*) FROM session.journal WHERE user_id = ANY(%s) AND change = 'answered'"
    compare("answers that were heard", platform.select(answers, list(learners)), [(result.done,)])
    size = max(1, result.done // context.rounds)
    parts = [result.latencies[at : at + size] for at in range(0, size * context.rounds, size)]
    rounds = [Round(whole.value, part, whole.cpu, whole.load_cores) for part in parts if part]
    side = Side.of(f"platform, {count:,} listeners", rounds)
    each = (after - before) / count / 1000
    reached = side.pooled_quantile(0.99)
    work = f"live events, {count:,} listeners on one bridge process"
    return Outcome(
        lines=[
            Line(f"{work}, p99", f"{side.spread().text()} events/s", "", reached, P99, 1),
            Line("memory of the bridge, a listener", "", "", Spread(each, each, each), MEMORY, 1),
        ],
        sides=[side],
        notes=[
            f"Live events: {count:,} learners listen through the gateway, each to a session of their own,"
            f" and are told the time each second; {RATE} answers a second go to one session after the"
            " other. The time is from sending an answer until its listener has the event, so all of the"
            " answer is in it. A listener that is refused or lost ends the run. CPU is of an event, with"
            " all that listeners are told meanwhile."
        ],
    )
