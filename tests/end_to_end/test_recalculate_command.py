"""`practice recalculate` on the running stack: damage is shown, made good, and live practice goes on."""

from __future__ import annotations

import re
import signal

import psycopg

from deploy.local.stack import LocalStack
from tests.end_to_end.command import start_practice
from tests.end_to_end.conftest import Learner, MakeLearner
from tests.waiting import PATIENCE_SECONDS, eventually

SESSIONS = "/focus/api/v1/sessions"


def recalculate(stack: LocalStack, *words: str, status: int = 0) -> str:
    """Returns what the command says in the end."""
    process = start_practice(stack, "recalculate", *words)
    said, complained = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == status, said + complained
    return said if status == 0 else complained


def practise(learner: Learner) -> None:
    session = learner.ok("POST", SESSIONS, {"duration_seconds": 60}, status=201)["data"]["id"]
    body = {"elapsed_seconds": 60, "status": "completed"}
    learner.ok("PATCH", f"{SESSIONS}/{session}/end", body)


def counted(learner: Learner) -> int:
    return int(learner.ok("GET", "/v1/standing?product=focus")["totals"]["session_count"])


def number_of(learner: Learner) -> int:
    return int(learner.account["user_id"])


def test_damage_is_shown_by_a_shadow_and_made_good(stack: LocalStack, make_learner: MakeLearner) -> None:
    learner = make_learner()
    practise(learner)
    eventually(lambda: counted(learner) == 1)
    with psycopg.connect(stack.database_url, autocommit=True) as database:
        user = number_of(learner)
        database.execute("UPDATE stats.standing SET session_count = 41 WHERE user_id = %s", [user])
    assert counted(learner) == 41

    shown = recalculate(stack, "--users", f"{user}-{user}", "--shadow")
    assert "1 learner with differences, nothing changed" in shown
    assert re.search(rf"{user}\s+2\s+standing (all|focus): session_count 41 instead of 1", shown)
    assert "session_count +80" in shown
    assert counted(learner) == 41

    assert "1 learner brought up to date, 2 rows written" in recalculate(stack, "--all")
    assert counted(learner) == 1
    practise(learner)
    eventually(lambda: counted(learner) == 2)
    assert "0 learners brought up to date, 0 rows written" in recalculate(
        stack, "--user", str(user), "--deep"
    )


def test_a_selection_must_be_said_and_make_sense(stack: LocalStack) -> None:
    assert "say whom" in recalculate(stack, status=2)
    assert "say whom" in recalculate(stack, "--all", "--user", "1", status=2)
    assert "the lower first" in recalculate(stack, "--users", "9-3", status=2)
    assert "RECALCULATION_NOT_FOUND" not in recalculate(stack, "--product", "yoga", "--from", "2026-01-01")
    wrong = recalculate(stack, "--watch", "00000000-0000-0000-0000-000000000000", status=1)
    assert "There is no such recalculation" in wrong


def test_ctrl_c_leaves_the_job_alone_which_can_be_ended_and_gone_on_with(stack: LocalStack) -> None:
    with psycopg.connect(stack.database_url) as holding:
        # Nobody reads a shard's facts while this is held.
        holding.execute("LOCK TABLE stats.calendar_change IN ACCESS EXCLUSIVE MODE")
        process = start_practice(stack, "recalculate", "--all")
        assert process.stderr is not None
        job = process.stderr.readline().removeprefix("job ").strip()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 130
        assert f"the job goes on: `practice recalculate --watch {job}`" in said
        assert recalculate(stack, "--cancel", "latest") == f"cancelled {job}\n"
    assert f"{job} was cancelled" in recalculate(stack, "--watch", job, status=1)
    assert "brought up to date" in recalculate(stack, "--resume", job)
    assert "brought up to date" in recalculate(stack, "--watch", "latest")
