"""Focus sessions through the gateway, of today and as if of days before."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg

from deploy.local.stack import LocalStack
from tests.end_to_end.facts import copies
from tests.offline import offline_session
from tests.stack import Learner
from tests.waiting import eventually

SESSIONS = "/focus/api/v1/sessions"
# A session of some days ago, like one of today.
EARLIER = copies(
    """
    'event_id', gen_random_uuid()::text, 'session_id', 1000000 * %(days)s + session_id,
    'user_seq', 1000000 + %(days)s, 'local_date', local_date - %(days)s,
    'end_time', end_time - make_interval(days => %(days)s),
    'start_time', start_time - make_interval(days => %(days)s)
    """,
    "user_id = %(user)s AND user_seq < 1000000",
)
SIGNED_UP_EARLIER = """
    UPDATE stats.calendar_change SET sign_up_time = sign_up_time - interval '30 days'
    WHERE user_id = %s AND sign_up_time IS NOT NULL
"""


def practise(learner: Learner, seconds: int) -> int:
    """Brings along a focus session of so many seconds that has just ended; returns its place among events.

    One that begins and ends here would count the moment that passed.
    """
    ended = datetime.now(UTC)
    item = offline_session(
        ended,
        "focus",
        start_time=(ended - timedelta(seconds=seconds)).isoformat(),
        planned_seconds=max(60, seconds),
        time_zone=learner.client.headers.get("X-Time-Zone", "UTC"),
    )
    return int(learner.ok("POST", "/v1/sessions:sync", {"items": [item]})["user_seq"])


def focus_streak(learner: Learner) -> Any:
    told = learner.ok("GET", "/v1/streaks")["streaks"]
    return next((each for each in told if each["product"] == "focus"), None)


def practised(stack: LocalStack, learner: Learner, *days_ago: int) -> date:
    """Has a learner practise focus today and on days before; returns their today."""
    session = learner.ok("POST", "/focus/api/v1/sessions", {"duration_seconds": 60}, status=201)["data"]["id"]
    end = {"elapsed_seconds": 60, "status": "completed"}
    learner.ok("PATCH", f"/focus/api/v1/sessions/{session}/end", end)
    eventually(lambda: focus_streak(learner))
    user = int(learner.account["user_id"])
    with psycopg.connect(stack.database_url, autocommit=True) as database:
        for days in days_ago:
            database.execute(EARLIER, {"days": days, "user": user})
        # Days before the sign-up are no practice; when it was arrives as an event of its own.
        eventually(lambda: database.execute(SIGNED_UP_EARLIER, [user]).rowcount)
        database.execute("UPDATE stats.learner SET catalogue_revision = -1 WHERE user_id = %s", [user])
    # Whatever is recorded has progress derived anew.
    learner.ok("POST", "/v1/restDays", {"weekdays": []})
    eventually(
        lambda: learner.ok("GET", "/v1/standing?product=focus")["totals"]["day_count"] == 1 + len(days_ago)
    )
    return date.fromisoformat(learner.ok("GET", "/v1/streaks")["as_of_date"])
