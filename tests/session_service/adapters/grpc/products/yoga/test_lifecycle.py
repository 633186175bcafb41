"""A session from its start to its end."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import grpc
import pytest
from practice.products.yoga.v1 import yoga_service_pb2_grpc as rpc

from session_service.main import serving
from session_service.settings import SessionSettings
from tests.grpc_errors import Refusal, outcome
from tests.session_service.adapters.grpc.products.yoga.clients import (
    FOREIGN,
    NOT_FOUND,
    Client,
    ended_already,
)
from tests.session_service.clients import Learner

SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("PauseSession", {"duration_so_far": 300}),
    ("ResumeSession", {}),
    ("CompleteSession", {"duration_seconds": 900, "completion_status": "completed"}),
]
NO_SEQUENCE = (404, {"detail": "Sequence not found"})
NONE_OPEN = (404, {"detail": "No active session found"})


async def state_of(learner: Learner, session_id: int) -> str:
    """Returns the state that is stored."""
    session = await learner.call("GetSession", name=f"sessions/{session_id}")
    return str(type(session).State.Name(session.state))


@pytest.mark.parametrize(("fields", "number"), [({"sequence_id": 123}, 123), ({}, None)])
async def test_a_start_answers_201_and_the_session(
    yoga: Client, learner: Learner, user_id: int, fields: dict[str, int], number: int | None
) -> None:
    body = await yoga.ok("StartSession", status=201, **fields)

    assert body == {
        "session_id": body["session_id"],
        "user_id": user_id,
        "sequence_id": number,
        "started_at": body["started_at"],
        "completed_at": None,
        "duration_seconds": 0,
        "completion_status": "abandoned",
        "notes": None,
    }
    assert body["session_id"] == int(body["session_id"]) > 0
    assert SECONDS.fullmatch(body["started_at"])
    assert await state_of(learner, int(body["session_id"])) == "STATE_ACTIVE"


@pytest.mark.parametrize("number", [124, 0, -1, 10**18, 2**63 - 1])
async def test_an_unknown_sequence_is_not_found_and_starts_nothing(yoga: Client, number: int) -> None:
    assert await yoga.refused("StartSession", sequence_id=number) == NO_SEQUENCE
    assert (await yoga.ok("ListHistory"))["total"] == 0


async def test_a_catalog_that_is_away_is_a_503_and_does_not_stop_free_practice(
    session_settings: dict[str, Any], yoga: Client
) -> None:
    settings = SessionSettings(**{**session_settings, "catalog_address": "127.0.0.1:1"})
    async with (
        serving(settings) as running,
        grpc.aio.insecure_channel(f"127.0.0.1:{running.port}") as channel,
    ):
        alone = Client(rpc.YogaServiceStub(channel), yoga.metadata)
        status, body = await alone.refused("StartSession", sequence_id=123)
        assert (status, body) == (503, {"detail": body["detail"]})
        await alone.start()


async def test_any_number_may_be_open_and_the_newest_is_the_current_one(yoga: Client, other: Client) -> None:
    assert await yoga.refused("GetCurrentSession") == NONE_OPEN
    first, second, third = [await yoga.start() for _ in range(3)]
    await other.start()
    await yoga.complete(third)
    paused = await yoga.ok("PauseSession", session_id=second, duration_so_far=60)

    current = await yoga.ok("GetCurrentSession")

    assert (current["session_id"], current["duration_seconds"]) == (second, paused["duration_seconds"])
    await yoga.complete(second)
    assert (await yoga.ok("GetCurrentSession"))["session_id"] == first
    await yoga.complete(first)
    assert await yoga.refused("GetCurrentSession") == NONE_OPEN


async def test_a_pause_keeps_the_time_again_and_again_and_a_resume_leaves_it(
    yoga: Client, learner: Learner
) -> None:
    number = await yoga.start(sequence_id=123)
    for seconds in (300, 420, 410, 0, 14_400):
        assert await yoga.ok("PauseSession", session_id=number, duration_so_far=seconds) == {
            "session_id": number,
            "duration_seconds": seconds,
            "completion_status": "abandoned",
        }
        assert await state_of(learner, number) == "STATE_PAUSED"
        assert (await yoga.ok("GetCurrentSession"))["duration_seconds"] == seconds

    for _ in range(2):
        resumed = await yoga.ok("ResumeSession", session_id=number)
        assert resumed == await yoga.ok("GetCurrentSession")
        assert (resumed["duration_seconds"], resumed["completion_status"]) == (14_400, "abandoned")
        assert await state_of(learner, number) == "STATE_ACTIVE"


@pytest.mark.parametrize("word", ["completed", "partial", "abandoned"])
@pytest.mark.parametrize("seconds", [0, 14_400])
async def test_an_end_keeps_how_it_ended(
    yoga: Client, learner: Learner, user_id: int, word: str, seconds: int
) -> None:
    started = await yoga.ok("StartSession", status=201, sequence_id=123)

    body = await yoga.complete(int(started["session_id"]), seconds, word)

    assert body == {
        "session_id": started["session_id"],
        "user_id": user_id,
        "sequence_id": 123,
        "started_at": started["started_at"],
        "completed_at": body["completed_at"],
        "duration_seconds": seconds,
        "completion_status": word,
        "statistics": body["statistics"],
        "notes": None,
    }
    assert SECONDS.fullmatch(body["completed_at"])
    assert await state_of(learner, int(started["session_id"])) == f"STATE_{word.upper()}"


@pytest.mark.parametrize("word", ["completed", "partial", "abandoned"])
async def test_an_ended_session_takes_no_change_but_notes(yoga: Client, word: str) -> None:
    number = await yoga.start()
    await yoga.complete(number, 60, word)

    for method, fields in CHANGES:
        assert await yoga.refused(method, session_id=number, **fields) == ended_already(word)
    await yoga.ok("SetNotes", session_id=number, notes="calm")
    (session,) = (await yoga.ok("ListHistory"))["sessions"]
    assert (session["completion_status"], session["duration_seconds"], session["notes"]) == (word, 60, "calm")


async def test_of_ends_at_once_one_counts_and_the_others_are_conflicts(yoga: Client) -> None:
    number = await yoga.start()
    fields = {"session_id": number, "duration_seconds": 900, "completion_status": "completed"}

    answers = await asyncio.gather(*(outcome(yoga.call("CompleteSession", **fields)) for _ in range(10)))

    refusals = [answer for answer in answers if isinstance(answer, Refusal)]
    assert len(refusals) == 9
    assert {refusal.trailing["x-practice-status"] for refusal in refusals} == {"409"}
    assert (await yoga.ok("GetStats"))["total_sessions"] == 1


async def test_another_users_session_is_forbidden_and_an_unknown_one_not_found(
    yoga: Client, other: Client, learner: Learner
) -> None:
    theirs = await other.start()
    exercise = int((await learner.start("exercises")).name.removeprefix("sessions/"))
    before = await other.ok("GetCurrentSession")

    for method, fields in [*CHANGES, ("SetNotes", {"notes": "mine"})]:
        assert await yoga.refused(method, session_id=theirs, **fields) == FOREIGN
        for number in (exercise, 0, -1, 2**62):
            assert await yoga.refused(method, session_id=number, **fields) == NOT_FOUND
    assert await other.ok("GetCurrentSession") == before
    assert (await yoga.ok("ListHistory"))["total"] == 0


async def test_notes_are_replaced_shown_and_removed(yoga: Client) -> None:
    number = await yoga.start()
    for notes in ("calm", "x" * 5_000, "ñ — 静か", "ñ — 静か", ""):
        assert await yoga.ok("SetNotes", session_id=number, notes=notes) == {
            "session_id": number,
            "notes": notes,
        }
        assert (await yoga.ok("GetCurrentSession"))["notes"] == (notes or None)


async def test_a_repeat_with_its_key_gets_the_first_answer_and_another_request_422(yoga: Client) -> None:
    started = [await yoga.with_metadata(idempotency_key="1").ok("StartSession", status=201) for _ in range(3)]
    assert started[0] == started[1] == started[2]
    number = int(started[0]["session_id"])

    pause = {"session_id": number, "duration_so_far": 60}
    paused = await yoga.with_metadata(idempotency_key="2").ok("PauseSession", **pause)
    await yoga.ok("ResumeSession", session_id=number)
    assert await yoga.with_metadata(idempotency_key="2").ok("PauseSession", **pause) == paused

    ending = yoga.with_metadata(idempotency_key="3")
    ended = await ending.complete(number)
    await yoga.practise(60)
    assert await ending.complete(number) == ended
    assert ended["statistics"]["total_sessions"] == 1

    noting = yoga.with_metadata(idempotency_key="4")
    noted = await noting.ok("SetNotes", session_id=number, notes="a")
    await yoga.ok("SetNotes", session_id=number, notes="b")
    assert await noting.ok("SetNotes", session_id=number, notes="a") == noted
    assert (await yoga.ok("ListHistory"))["sessions"][1]["notes"] == "b"

    for method, fields in (*CHANGES, ("SetNotes", {"notes": "c"}), ("StartSession", {"sequence_id": 123})):
        about = {} if method == "StartSession" else {"session_id": number}
        status, body = await ending.refused(method, **about, **{**fields, **_other_seconds(fields)})
        assert (status, body) == (422, {"detail": body["detail"]})
        assert isinstance(body["detail"], str)
    assert (await yoga.ok("ListHistory"))["total"] == 2


def _other_seconds(fields: dict[str, Any]) -> dict[str, int]:
    return {"duration_seconds": 901} if "duration_seconds" in fields else {}


async def test_a_call_without_a_good_token_is_refused(nobody: Client) -> None:
    for client in (nobody, nobody.with_metadata(authorization="Bearer nonsense")):
        for method, fields in (
            *CHANGES,
            *(("StartSession", {}), ("SetNotes", {"notes": ""}), ("GetCurrentSession", {})),
            *(("ListHistory", {}), ("GetStats", {}), ("GetCalendar", {})),
        ):
            status, body = await client.refused(method, **fields)
            assert (status, body) == (401, {"detail": body["detail"]})
            assert isinstance(body["detail"], str)
