"""A session of every product through its own API, with either client."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.local.stack import LocalStack
from tests.clients.python.asking import Ask
from tests.stack import Learner


@pytest.fixture
def call(ask: Ask, client: Any, stack: LocalStack, learner: Learner) -> Any:
    """Makes one call of an API, as the learner."""
    tokens = client.Tokens("ended", learner.tokens["refresh_token"])

    def call(api: str, operation: str, *words: Any, **given: Any) -> Any:
        def step(practice: Any) -> Any:
            return getattr(getattr(practice, api), operation)(*words, **given)

        return ask(stack.gateway_url, step, tokens=tokens)

    return call


def test_exercises(call: Any) -> None:
    session = call("exercises", "start_session", session_type="practice").session_id
    given = {"session_id": session, "exercise_id": "123", "user_answer": "hable", "time_taken": 2.5}
    assert call("exercises", "submit_answer", **given).is_correct
    assert call("exercises", "end_session", session_id=session).correct_answers == 1


def test_portal(call: Any) -> None:
    started = call("portal", "start_session", activity_id=123, settings={"word_count": 5})
    item = started.first_item.item_id
    answered = call(
        "portal", "update_progress", started.session_id, item_id=item, answer="hola", time_taken=3.5
    )
    assert answered.correct_answer
    call("portal", "complete_session", started.session_id)
    (listed,) = call("portal", "all_history", limit=1)
    assert listed.id == started.session_id


def test_yoga(call: Any) -> None:
    session = call("yoga", "start_session", sequence_id=123).session_id
    call("yoga", "pause_session", session, duration_so_far=300)
    call("yoga", "resume_session", session)
    given = {"duration_seconds": 900, "completion_status": "completed"}
    call("yoga", "complete_session", session_id=session, **given)
    (listed,) = call("yoga", "all_history", limit=1)
    assert (listed.session_id, listed.completion_status) == (session, "completed")


def test_focus(call: Any) -> None:
    for _ in range(2):
        session = call("focus", "start_session", duration_seconds=1500).data.id
        call("focus", "end_session", session, elapsed_seconds=25, status="completed")
    assert call("focus", "get_streak").data.current_streak == 1
    assert len(call("focus", "all_sessions", limit=1)) == 2
    assert call("focus", "get_active_session").data is None


def test_design(call: Any) -> None:
    problem = call("design", "search_problems", q="url shortener").problems[0].id
    session = call("design", "open_session", problem_id=problem).id
    drawn = {"elements": [], "appState": {}}
    call("design", "autosave_session", session, diagram_data=drawn, time_spent=120)
    call("design", "submit_session", session)
    assert len(call("design", "all_my_submissions", limit=1)) == 1
    assert call("design", "get_active_session", problem) is None


def test_canonical(call: Any, client: Any, ask: Ask, stack: LocalStack, learner: Learner) -> None:
    from datetime import timedelta

    session = call("v1", "start_session", product="focus", planned_duration=timedelta(minutes=25)).session
    assert session.planned_duration == timedelta(minutes=25)
    given = {"product": "exercises", "answer": {"item": "exercises/123", "text": "hable"}}
    tokens = client.Tokens(learner.tokens["access_token"])
    standing = ask(
        stack.gateway_url,
        lambda practice: practice.v1.complete_session(session.name, elapsed=timedelta(seconds=1500)),
        lambda practice: practice.v1.record_standalone_answer(**given),
        lambda practice: practice.v1.get_standing(),
        tokens=tokens,
    )
    assert not standing.pending
    assert standing.applied_through >= 2
    assert standing.totals.session_count == 2
    assert {each.name for each in call("v1", "all_sessions", page_size=1)} >= {session.name}
    board = call("v1", "get_leaderboard", "all", "week")
    assert board.entries
    archive = call("v1", "export_my_data")
    assert archive.startswith(b"PK")
