"""What a million sessions weigh in the database, table by table and index by index."""

from __future__ import annotations

from benchmarks.context import Context
from benchmarks.measure import Outcome
from benchmarks.weights import MILLION, weigh_sessions
from deploy.local.servers import throwaway_servers
from service_kit.db.migrate import upgrade

SESSIONS, ANSWERS = 100_000, 10


def measure_weight(context: Context) -> Outcome:
    """Weighs a tenth of a million sessions, or with the full size all of them."""
    sessions = (MILLION if context.full else SESSIONS) // context.shrink
    context.say(f"weighing {sessions:,} sessions")
    with throwaway_servers() as servers:
        for service in ("session_service", "stats_service"):
            upgrade(service, servers.database_url)
        weights = weigh_sessions(servers.database_url, sessions, ANSWERS)
    per = MILLION / sessions
    total = sum(each.size for each in weights) * per / 1e9
    lines = [
        "## What a million sessions weigh",
        "",
        f"Completed ones with {ANSWERS} answers each, weighed as {sessions:,}: {total:.1f} GB in all.",
        "",
        "| table | index | MB | bytes a row |",
        "| --- | --- | --- | --- |",
    ]
    for weight in sorted(weights, key=lambda each: (each.table, each.index)):
        size = f"{weight.size * per / 1e6:,.0f}"
        lines.append(
            f"| {weight.table} | {weight.index or '-'} | {size} | {weight.size / weight.rows:,.0f} |"
        )
    return Outcome(text="\n".join(lines))
