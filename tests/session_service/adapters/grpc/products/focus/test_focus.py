"""The focus product, as its document has it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from google.protobuf.json_format import MessageToDict
from practice.products.focus.v1 import focus_service_pb2 as pb
from practice.products.focus.v1 import focus_service_pb2_grpc as rpc

from tests.grpc_errors import Refusal, outcome
from tests.session_service.adapters.grpc.products.shown import refused, shown
from tests.session_service.clients import Learner, Metadata
from tests.session_service.statistics import Statistics
from tests.tokens import TestTokens

SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

Product: TypeAlias = "rpc.FocusServiceAsyncStub"


def failure(message: str) -> dict[str, Any]:
    return {"success": False, "message": message, "data": None}


NOT_FOUND = (404, failure("focus session not found"))
ENDED = (409, failure("focus session has already ended"))
OPEN = (409, failure("a focus session is already active or paused"))


def caller(focus: Product, metadata: Metadata) -> Callable[..., Any]:
    def call(method: str, *, headers: Metadata = (), **fields: Any) -> Any:
        request = getattr(pb, f"{method}Request")(**fields)
        return getattr(focus, method)(request, metadata=(*metadata, *headers))

    return call


@pytest.fixture
def call(focus: Product, me: Metadata) -> Callable[..., Any]:
    """Calls a method with the fields of its request."""
    return caller(focus, me)


async def started(call: Callable[..., Any], seconds: int = 1500) -> int:
    return int((await call("StartSession", duration_seconds=seconds)).data.id)


async def test_a_start_answers_201_and_the_session(call: Callable[..., Any], user_id: int) -> None:
    status, body = await shown(call("StartSession", duration_seconds=1500))

    data = body["data"]
    assert status == 201
    assert body == {"success": True, "message": "focus session started", "data": data}
    assert data == {
        "id": data["id"],
        "user_id": float(user_id),
        "duration_seconds": 1500,
        "elapsed_seconds": 0,
        "status": "active",
        "started_at": data["started_at"],
        "ended_at": None,
    }
    assert data["id"] == int(data["id"]) > 0
    assert SECONDS.fullmatch(data["started_at"])


@pytest.mark.parametrize("seconds", [60, 86_400])
async def test_the_bounds_of_a_duration_are_inside(call: Callable[..., Any], seconds: int) -> None:
    assert (await shown(call("StartSession", duration_seconds=seconds)))[0] == 201


@pytest.mark.parametrize(
    "fields", [{}, *({"duration_seconds": value} for value in (59, 86_401, 0, -60, 2**62))]
)
async def test_a_duration_outside_the_bounds_is_refused(
    call: Callable[..., Any], fields: dict[str, int]
) -> None:
    status, body = await refused(call("StartSession", **fields))

    assert status == 400
    assert body == failure(body["message"])
    assert "duration_seconds" in body["message"]
    assert (await call("ListSessions")).data == []


async def test_a_second_start_is_a_conflict_while_the_first_is_open(call: Callable[..., Any]) -> None:
    number = await started(call)
    assert await refused(call("StartSession", duration_seconds=1500)) == OPEN
    await call("PauseSession", id=number, elapsed_seconds=1)
    assert await refused(call("StartSession", duration_seconds=1500)) == OPEN
    await call("EndSession", id=number, elapsed_seconds=2, status="abandoned")

    assert (await shown(call("StartSession", duration_seconds=1500)))[0] == 201


async def test_of_starts_at_once_one_is_201_and_the_others_409(call: Callable[..., Any]) -> None:
    answers = await asyncio.gather(*(outcome(call("StartSession", duration_seconds=1500)) for _ in range(20)))

    refusals = [answer for answer in answers if isinstance(answer, Refusal)]
    assert len(refusals) == 19
    assert {refusal.trailing["x-practice-status"] for refusal in refusals} == {"409"}


async def test_the_active_session_is_the_open_one_or_null(call: Callable[..., Any]) -> None:
    none = {"success": True, "message": "no active focus session", "data": None}
    assert await shown(call("GetActiveSession")) == (200, none)
    _, created = await shown(call("StartSession", duration_seconds=2700))
    number = int(created["data"]["id"])

    status, body = await shown(call("GetActiveSession"))
    assert (status, body["success"], body["data"]) == (200, True, created["data"])

    await call("PauseSession", id=number, elapsed_seconds=750)
    _, body = await shown(call("GetActiveSession"))
    assert body["data"] == {**created["data"], "elapsed_seconds": 750, "status": "paused"}

    await call("EndSession", id=number, elapsed_seconds=750, status="completed")
    assert await shown(call("GetActiveSession")) == (200, none)


async def test_pause_and_resume_keep_the_reported_time(call: Callable[..., Any]) -> None:
    number = await started(call)

    status, paused = await shown(call("PauseSession", id=number, elapsed_seconds=750, status="paused"))
    assert (status, paused["success"]) == (200, True)
    assert (paused["data"]["status"], paused["data"]["elapsed_seconds"]) == ("paused", 750)

    status, again = await shown(call("PauseSession", id=number, elapsed_seconds=800))
    assert (status, again["data"]) == (200, paused["data"])

    status, resumed = await shown(call("ResumeSession", id=number))
    assert (status, resumed["data"]) == (200, {**paused["data"], "status": "active"})
    status, going = await shown(call("ResumeSession", id=number))
    assert (status, going["data"]) == (200, resumed["data"])


@pytest.mark.parametrize(("word", "seconds"), [("completed", 1500), ("abandoned", 400)])
async def test_an_end_keeps_how_it_ended(
    call: Callable[..., Any], statistics: Statistics, user_id: int, word: str, seconds: int
) -> None:
    number = await started(call)

    status, body = await shown(call("EndSession", id=number, elapsed_seconds=seconds, status=word))

    assert (status, body["success"]) == (200, True)
    assert (body["data"]["status"], body["data"]["elapsed_seconds"]) == (word, seconds)
    assert SECONDS.fullmatch(body["data"]["ended_at"])
    assert statistics.asked == [(user_id, 1)]


async def test_the_time_never_goes_back(call: Callable[..., Any]) -> None:
    number = await started(call)
    await call("PauseSession", id=number, elapsed_seconds=750)
    await call("ResumeSession", id=number)

    for method, fields in (("PauseSession", {}), ("EndSession", {"status": "completed"})):
        status, body = await refused(call(method, id=number, elapsed_seconds=749, **fields))
        assert (status, body) == (400, failure(body["message"]))

    assert (await shown(call("EndSession", id=number, elapsed_seconds=750, status="completed")))[0] == 200


BAD = [
    ("PauseSession", {}, "elapsed_seconds"),
    ("PauseSession", {"elapsed_seconds": -1}, "elapsed_seconds"),
    ("PauseSession", {"elapsed_seconds": 2**31}, "elapsed_seconds"),
    ("PauseSession", {"elapsed_seconds": 5, "status": "completed"}, "status"),
    ("PauseSession", {"elapsed_seconds": 5, "status": ""}, "status"),
    ("EndSession", {"status": "completed"}, "elapsed_seconds"),
    ("EndSession", {"elapsed_seconds": -1, "status": "completed"}, "elapsed_seconds"),
    ("EndSession", {"elapsed_seconds": 5}, "status"),
    ("EndSession", {"elapsed_seconds": 5, "status": "paused"}, "status"),
    ("EndSession", {"elapsed_seconds": 5, "status": "COMPLETED"}, "status"),
]


@pytest.mark.parametrize(("method", "fields", "named"), BAD)
async def test_a_field_that_is_missing_or_wrong_is_a_400_that_names_it(
    call: Callable[..., Any], method: str, fields: dict[str, Any], named: str
) -> None:
    number = await started(call)

    status, body = await refused(call(method, id=number, **fields))

    assert (status, body) == (400, failure(body["message"]))
    assert named in body["message"]
    (session,) = (await call("ListSessions")).data
    assert (session.status, session.elapsed_seconds) == ("active", 0)


CHANGES = [
    ("PauseSession", {"elapsed_seconds": 90}),
    ("ResumeSession", {}),
    ("EndSession", {"elapsed_seconds": 90, "status": "completed"}),
    ("EndSession", {"elapsed_seconds": 90, "status": "abandoned"}),
]


@pytest.mark.parametrize("word", ["completed", "abandoned"])
async def test_an_ended_session_takes_no_change(call: Callable[..., Any], word: str) -> None:
    number = await started(call)
    await call("EndSession", id=number, elapsed_seconds=60, status=word)

    for method, fields in CHANGES:
        assert await refused(call(method, id=number, **fields)) == ENDED


async def test_an_unknown_or_foreign_session_or_one_of_another_product_is_not_found(
    call: Callable[..., Any], focus: Product, somebody: Metadata, learner: Learner
) -> None:
    theirs = await started(caller(focus, somebody))
    yoga = int((await learner.start("yoga")).name.removeprefix("sessions/"))

    for number in (theirs, yoga, 0, -1, 2**62):
        for method, fields in CHANGES:
            assert await refused(call(method, id=number, **fields)) == NOT_FOUND
    assert (await call("ListSessions")).data == []


async def test_the_history_is_the_newest_first_and_goes_on_before_a_number(
    call: Callable[..., Any], learner: Learner
) -> None:
    numbers = []
    for _ in range(25):
        numbers.append(await started(call))
        await call("EndSession", id=numbers[-1], elapsed_seconds=1, status="completed")
    await learner.start("yoga")
    newest = numbers[::-1]

    async def listed(**fields: int) -> list[int]:
        status, body = await shown(call("ListSessions", **fields))
        assert (status, body["success"]) == (200, True)
        return [int(session["id"]) for session in body["data"]]

    assert await listed() == newest[:20]
    assert await listed(limit=100) == newest
    assert await listed(limit=3) == newest[:3]
    assert await listed(limit=3, before=newest[2]) == newest[3:6]
    assert await listed(before=newest[-1]) == []


async def test_an_empty_history_is_a_list(call: Callable[..., Any]) -> None:
    message = await call("ListSessions")

    document = MessageToDict(message, always_print_fields_with_no_presence=True)
    assert (document["success"], document["data"]) == (True, [])


@pytest.mark.parametrize(
    "fields", [{"limit": 0}, {"limit": 101}, {"limit": -1}, {"before": 0}, {"before": -5}]
)
async def test_a_history_outside_the_bounds_is_refused(
    call: Callable[..., Any], fields: dict[str, int]
) -> None:
    status, body = await refused(call("ListSessions", **fields))

    assert (status, body) == (400, failure(body["message"]))


async def test_a_repeat_with_its_key_gets_the_first_answer_and_another_request_422(
    call: Callable[..., Any],
) -> None:
    headers = (("idempotency-key", "key"),)
    first = await shown(call("StartSession", duration_seconds=1500, headers=headers))
    number = int(first[1]["data"]["id"])
    await call("EndSession", id=number, elapsed_seconds=5, status="completed")

    assert await shown(call("StartSession", duration_seconds=1500, headers=headers)) == first
    status, body = await refused(call("StartSession", duration_seconds=1600, headers=headers))
    assert (status, body) == (422, failure(body["message"]))
    status, _ = await refused(call("ResumeSession", id=number, headers=headers))
    assert status == 422
    assert len((await call("ListSessions")).data) == 1


async def test_a_call_without_a_good_token_is_refused_in_the_envelope(
    focus: Product, tokens: TestTokens
) -> None:
    for metadata in ((), tokens.bearer(7, aud="practice-refresh")):
        for method, fields in (("GetActiveSession", {}), ("PauseSession", {"id": 1})):
            status, body = await refused(caller(focus, metadata)(method, **fields))

            assert (status, body) == (401, failure(body["message"]))
