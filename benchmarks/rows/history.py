"""A page of history of who has a thousand sessions, and of who has a million."""

from __future__ import annotations

from benchmarks.context import Context
from benchmarks.load.plan import Plan, Result
from benchmarks.measure import Goal, Line, Outcome, Side, ratio_of_medians, take_turns
from benchmarks.platform import Platform

GOAL = Goal(1.5, 1.5, "times", at_most=True)
FEW, MANY, OTHERS, OTHERS_FULL = 1_000, 1_000_000, 200_000, 9_000_000
PAGES, SECONDS = 500, 2.0
_SESSIONS = """
    INSERT INTO session.practice_session (
        user_id, product, policy_version, mode, content, state, elapsed_seconds, implausible, started_at,
        ended_at, time_zone, rollover_hour, local_date, answer_count, correct_answer_count, draft_hash,
        message_count, content_title, content_type, settings, item_count, answered_item_count,
        mastered_item_count, right_run, note, message_bytes, synced, user_seq, version, updated_at
    )
    SELECT %(first)s + n %% %(learners)s, 'portal', 1, '', 'activities/123', 'completed', 600, false,
        now() - (%(sessions)s - n) * interval '20 s', now() - (%(sessions)s - n - 30) * interval '20 s',
        'Europe/Madrid', 0, current_date, 10, 5, 'd41d8cd98f00b204e9800998ecf8427e',
        0, 'Basic vocabulary', 'translation', '{}', 0, 0, 0, 1, '', 0, false, 1 + n / %(learners)s, 12, now()
    FROM generate_series(0, %(sessions)s - 1) AS n
"""


def measure_history(context: Context) -> Outcome:
    """Measures the first and the last pages of both learners, in turns."""
    platform = context.platform
    many, others = context.shrunk(MANY), context.shrunk(OTHERS_FULL if context.full else OTHERS)
    small, large = platform.learners(1)[0], platform.learners(1)[0]
    crowd = platform.learners(1_000)[0]
    context.say(f"putting {FEW + many + others:,} sessions in")
    for first, learners, sessions in ((crowd, 1_000, others), (small, 1, FEW), (large, 1, many)):
        values = {"first": first, "learners": learners, "sessions": sessions}
        platform.execute(_SESSIONS, values)
    platform.select("VACUUM ANALYZE session.practice_session")
    outcome = Outcome()
    for page in ("first", "last"):
        sides = [
            _side(context, platform, page, learner, sessions)
            for learner, sessions in ((small, FEW), (large, many))
        ]
        take_turns(sides, context.rounds, context.say)
        outcome.sides += sides
        few, more = sides
        outcome.lines.append(
            Line(
                f"history, {page} page, {many:,} sessions of one user against {FEW:,}",
                f"{more.quantile(0.5).text(1)} ms",
                f"{few.quantile(0.5).text(1)} ms",
                ratio_of_medians(more, few),
                GOAL,
            )
        )
    outcome.notes.append(
        f"History: `GET /portal/api/v1/sessions/history?limit=10` at {PAGES} offsets from either end,"
        f" which no cache has, {FEW + many + others:,} sessions in all; with `--full` ten million."
    )
    return outcome


def _side(context: Context, platform: Platform, page: str, learner: int, sessions: int) -> Side:
    options = {
        "path": "/portal/api/v1/sessions/history?limit=10",
        "first": 0 if page == "first" else sessions - PAGES - 10,
        "pages": PAGES,
        "contains": f'"total":{sessions}',
    }
    seconds = min(context.seconds, SECONDS)
    plan = Plan("pages", [platform.gateway], platform.tokens([learner]), seconds, options)

    def check(result: Result) -> None:
        """Has nothing to look at: each answer told the total."""

    name = f"history, {page} page of {sessions:,} sessions"
    return Side(name, context.play(plan, platform.processes(), check))
