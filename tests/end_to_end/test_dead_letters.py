"""An event that was given up is seen by an operator, sent again, and counted once."""

from __future__ import annotations

import uuid

import psycopg

from deploy.local.stack import LocalStack
from tests.end_to_end.command import practice
from tests.end_to_end.conftest import Learner, MakeLearner
from tests.end_to_end.facts import copies
from tests.waiting import eventually

SESSIONS = "/focus/api/v1/sessions"
# Another fact in the place of a session's own: the stats service refuses the real one for good.
IN_ITS_PLACE = copies("'event_id', %s::text, 'session_id', %s::bigint, 'user_seq', 1000000", "user_id = %s")


def focus(learner: Learner) -> int:
    return int(learner.ok("POST", SESSIONS, {"duration_seconds": 60}, status=201)["data"]["id"])


def complete(learner: Learner, session_id: int) -> None:
    learner.ok("PATCH", f"{SESSIONS}/{session_id}/end", {"elapsed_seconds": 60, "status": "completed"})


def sessions_counted(learner: Learner) -> int:
    return int(learner.ok("GET", "/v1/standing?product=focus")["totals"]["session_count"])


def test_a_dead_letter_is_listed_requeued_and_counted_once(
    stack: LocalStack, make_learner: MakeLearner
) -> None:
    other, learner = make_learner(), make_learner("Bea")
    complete(other, focus(other))
    eventually(lambda: sessions_counted(other) == 1)
    session_id, intruder = focus(learner), uuid.uuid4()

    with psycopg.connect(stack.database_url, autocommit=True) as database:
        database.execute(IN_ITS_PLACE, [str(intruder), session_id, int(other.account["user_id"])])
        complete(learner, session_id)
        dead = "SELECT event_id FROM session.outbox WHERE aggregate_id = %s AND dead_at IS NOT NULL"
        (event_id,) = eventually(lambda: database.execute(dead, [session_id]).fetchone())
        database.execute("DELETE FROM stats.completion WHERE event_id = %s", [intruder])

    listed = practice(stack, "outbox", "list")
    assert listed.returncode == 0, listed.stderr
    (row,) = [line for line in listed.stdout.splitlines() if line.startswith(str(event_id))]
    assert "another fact has its session" in row
    assert learner.account["user_id"] in row.split()
    assert "were given up: `practice outbox list` shows them" in practice(stack, "status").stdout
    assert sessions_counted(learner) == 0

    requeued = [practice(stack, "outbox", "requeue", str(event_id)) for _ in range(2)]
    assert [done.stdout for done in requeued] == ["requeued 1\n", "requeued 0\n"], requeued
    eventually(lambda: sessions_counted(learner) == 1)
    with psycopg.connect(stack.database_url, autocommit=True) as database:
        # Once the outbox knows it counted, nobody sends it any more.
        waiting = "SELECT acked_at IS NULL FROM session.outbox WHERE event_id = %s"
        eventually(lambda: database.execute(waiting, [event_id]).fetchone() == (False,))
    assert sessions_counted(learner) == 1
    assert str(event_id) not in practice(stack, "outbox", "list").stdout


def test_a_service_that_does_not_answer_is_one_line_and_exit_status_1(stack: LocalStack) -> None:
    done = practice(stack, "outbox", "list", SESSION_ADDRESS="127.0.0.1:1")
    assert done.returncode == 1
    assert done.stderr.startswith("error: the session service at 127.0.0.1:1 does not answer")
    assert len(done.stderr.splitlines()) == 1
