"""How the canonical API refuses: one status, one reason, and never a word too many."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from practice.session.v1 import practice_session_pb2 as session_pb
from practice.session.v1 import session_service_pb2 as pb
from practice.session.v1 import session_service_pb2_grpc as rpc

from deploy.local.servers import free_port
from session_service.adapters.db import readers
from session_service.main import serving
from session_service.settings import SessionSettings
from tests.grpc_errors import refusal
from tests.session_service.clients import Learner, Metadata, elapsed
from tests.tokens import TestTokens

Code = grpc.StatusCode
ANSWER = session_pb.Answer(item="exercises/123", text="hable")

# Every method that names a session, with what else it needs.
ON_A_SESSION: dict[str, dict[str, Any]] = {
    "GetSession": {},
    "SubmitAnswers": {"answers": [ANSWER]},
    "SaveDraft": {"content": "{}"},
    "GetDraft": {},
    "AddMessage": {"role": "user", "content": "hello"},
    "ListMessages": {},
    "PauseSession": {},
    "ResumeSession": {},
    "CompleteSession": {},
    "AbandonSession": {},
    "WatchSession": {},
}
CHANGES = [method for method in ON_A_SESSION if not method.startswith(("Get", "List", "Watch"))]


async def refused(call: Any) -> Any:
    """Awaits a call, or reads a stream, that must fail."""
    if isinstance(call, Awaitable):
        return await refusal(call)
    return await refusal(call.read())


@pytest.mark.parametrize("method", ON_A_SESSION)
async def test_another_users_session_is_not_found_just_as_an_unknown_one(
    learner: Learner, stranger: Learner, method: str
) -> None:
    session = await learner.start()

    foreign = await refused(stranger.call(method, name=session.name, **ON_A_SESSION[method]))
    unknown = await refused(stranger.call(method, name="sessions/999999999999999999", **ON_A_SESSION[method]))

    for refused_call, name in ((foreign, session.name), (unknown, "sessions/999999999999999999")):
        assert (refused_call.code, refused_call.reason) == (Code.NOT_FOUND, "SESSION_NOT_FOUND")
        assert refused_call.metadata == {"session": name}
    assert foreign.message == unknown.message
    assert await learner.call("GetSession", name=session.name) == session


@pytest.mark.parametrize("method", CHANGES)
async def test_an_ended_session_takes_no_change(learner: Learner, method: str) -> None:
    name = (await learner.start()).name
    ended = await learner.call("CompleteSession", name=name)

    refused_call = await refused(learner.call(method, name=name, **ON_A_SESSION[method]))

    assert (refused_call.code, refused_call.reason) == (Code.FAILED_PRECONDITION, "SESSION_ENDED")
    assert refused_call.metadata["session"] == name
    assert refused_call.metadata["state"] == "completed"
    told = Timestamp()
    told.FromJsonString(refused_call.metadata["end_time"])
    assert told == ended.end_time


@pytest.mark.parametrize("method", ["PauseSession", "ResumeSession", "CompleteSession", "AbandonSession"])
async def test_a_stale_etag_is_refused_and_the_present_one_accepted(learner: Learner, method: str) -> None:
    session = await learner.start()
    await learner.answer(session.name, "hable")

    refused_call = await refusal(learner.call(method, name=session.name, etag=session.etag))

    assert (refused_call.code, refused_call.reason) == (Code.ABORTED, "ETAG_MISMATCH")
    assert refused_call.metadata == {"etag": '"2"'}
    assert await learner.call(method, name=session.name, etag='"2"')


@pytest.mark.parametrize("method", ON_A_SESSION)
async def test_a_name_of_another_form_is_invalid(learner: Learner, method: str) -> None:
    for name in ("", "sessions/0", "sessions/x", "sessions/1/draft", "sessions/1234567890123456789"):
        refused_call = await refused(learner.call(method, name=name, **ON_A_SESSION[method]))

        assert (refused_call.code, refused_call.reason) == (Code.INVALID_ARGUMENT, "FIELD_INVALID")
        assert refused_call.metadata["field"] == "name"


@pytest.mark.parametrize("method", [*ON_A_SESSION, "StartSession", "ListSessions", "GetActiveSession"])
async def test_every_method_needs_a_token(
    sessions: rpc.SessionServiceAsyncStub, tokens: TestTokens, method: str
) -> None:
    request = getattr(pb, f"{method}Request")()
    for metadata in (
        (),
        (("authorization", "Bearer x"),),
        tokens.bearer(5, aud="practice-refresh"),
        tokens.bearer(5, exp=1),
    ):
        refused_call = await refused(getattr(sessions, method)(request, metadata=metadata))
        assert (refused_call.code, refused_call.reason) == (Code.UNAUTHENTICATED, "TOKEN_INVALID")


REFUSED_STARTS = [
    ({"product": "chess"}, Code.INVALID_ARGUMENT, "PRODUCT_UNKNOWN", {"product": "chess"}),
    ({"product": ""}, Code.INVALID_ARGUMENT, "FIELD_INVALID", {"field": "product", "rule": "string.pattern"}),
    (
        {"product": "exercises", "mode": "exam"},
        Code.INVALID_ARGUMENT,
        "MODE_UNKNOWN",
        {"mode": "exam", "allowed": "practice, review, test"},
    ),
    (
        {"product": "yoga", "content": "problems/1"},
        Code.INVALID_ARGUMENT,
        "CONTENT_MISMATCH",
        {"product": "yoga"},
    ),
    ({"product": "design"}, Code.INVALID_ARGUMENT, "CONTENT_MISMATCH", {"product": "design"}),
    (
        {"product": "yoga", "content": "sequences/404404"},
        Code.NOT_FOUND,
        "CONTENT_NOT_FOUND",
        {"content": "sequences/404404"},
    ),
    (
        {"product": "focus", "planned_duration": elapsed(59)},
        Code.INVALID_ARGUMENT,
        "DURATION_OUT_OF_RANGE",
        {"field": "planned_duration", "minimum": "60", "maximum": "86400"},
    ),
    ({"product": "focus", "planned_duration": None}, Code.INVALID_ARGUMENT, "DURATION_OUT_OF_RANGE", None),
    (
        {"product": "focus", "planned_duration": elapsed(86_401)},
        Code.INVALID_ARGUMENT,
        "DURATION_OUT_OF_RANGE",
        None,
    ),
    (
        {"product": "focus", "planned_duration": elapsed(315_576_000_000)},
        Code.INVALID_ARGUMENT,
        "DURATION_OUT_OF_RANGE",
        None,
    ),
    ({"product": "focus", "planned_duration": elapsed(-60)}, Code.INVALID_ARGUMENT, "FIELD_INVALID", None),
    ({"product": "yoga", "content": "Sequences 1"}, Code.INVALID_ARGUMENT, "FIELD_INVALID", None),
    ({"product": "yoga", "on_conflict": 9}, Code.INVALID_ARGUMENT, "FIELD_INVALID", None),
    ({"product": "yoga", "request_id": "k" * 129}, Code.INVALID_ARGUMENT, "FIELD_INVALID", None),
]


@pytest.mark.parametrize(("fields", "code", "reason", "metadata"), REFUSED_STARTS)
async def test_a_start_that_cannot_be_is_refused_with_its_reason(
    learner: Learner, fields: dict[str, Any], code: Code, reason: str, metadata: dict[str, str] | None
) -> None:
    refused_call = await refusal(learner.call("StartSession", **fields))

    assert (refused_call.code, refused_call.reason) == (code, reason)
    if metadata is not None:
        assert refused_call.metadata == metadata


async def test_a_second_start_names_the_open_session(learner: Learner) -> None:
    session = await learner.start("focus")

    for on_conflict in (0, pb.StartSessionRequest.ON_CONFLICT_REJECT):
        refused_call = await refusal(learner.start("focus", on_conflict=on_conflict))
        assert (refused_call.code, refused_call.reason) == (Code.ALREADY_EXISTS, "SESSION_ALREADY_OPEN")
        assert refused_call.metadata == {"session": session.name}


REFUSED_TIMES = [
    ("focus", elapsed(99), "ELAPSED_WENT_BACK", {"recorded": "100", "reported": "99"}),
    ("focus", elapsed(2**31), "DURATION_OUT_OF_RANGE", None),
    (
        "yoga",
        elapsed(14_401),
        "DURATION_OUT_OF_RANGE",
        {"field": "elapsed", "minimum": "0", "maximum": "14400"},
    ),
    ("yoga", elapsed(-1), "FIELD_INVALID", None),
    ("yoga", elapsed(0, -5), "FIELD_INVALID", None),
]


@pytest.mark.parametrize("method", ["PauseSession", "CompleteSession", "AbandonSession"])
@pytest.mark.parametrize(("product", "reported", "reason", "metadata"), REFUSED_TIMES)
async def test_a_time_the_product_does_not_take_is_refused(
    learner: Learner, method: str, product: str, reported: Any, reason: str, metadata: dict[str, str] | None
) -> None:
    name = (await learner.start(product)).name
    await learner.call("PauseSession", name=name, elapsed=elapsed(100))
    resumed = await learner.call("ResumeSession", name=name)

    refused_call = await refusal(learner.call(method, name=name, elapsed=reported))

    assert (refused_call.code, refused_call.reason) == (Code.INVALID_ARGUMENT, reason)
    if metadata is not None:
        assert refused_call.metadata == metadata
    assert await learner.call("GetSession", name=name) == resumed


async def test_an_outcome_the_product_does_not_know_is_refused(learner: Learner) -> None:
    name = (await learner.start("focus")).name

    refused_call = await refusal(
        learner.call("CompleteSession", name=name, outcome=pb.CompleteSessionRequest.OUTCOME_PARTIAL)
    )

    assert (refused_call.code, refused_call.reason) == (Code.INVALID_ARGUMENT, "OUTCOME_NOT_ALLOWED")
    assert refused_call.metadata == {"outcome": "partial"}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "syntax"),
        ("{", "syntax"),
        ('{"a": NaN}', "syntax"),
        ("[" * 65 + "]" * 65, "depth"),
        ('"' + "x" * (1024 * 1024) + '"', "size"),
    ],
)
async def test_a_draft_that_cannot_be_kept_is_refused(learner: Learner, content: str, problem: str) -> None:
    name = (await learner.start("yoga")).name

    refused_call = await refusal(learner.call("SaveDraft", name=name, content=content))

    assert (refused_call.code, refused_call.reason) == (Code.INVALID_ARGUMENT, "DRAFT_INVALID")
    assert refused_call.metadata == {"problem": problem}


@pytest.mark.parametrize("content", ['"\\ud800"', '{"\\udfff": 1}', "1e400", "-0", '"\\u0000"'])
async def test_a_draft_of_odd_json_is_kept_as_it_is(learner: Learner, content: str) -> None:
    name = (await learner.start("yoga")).name

    saved = await learner.call("SaveDraft", name=name, content=content)

    assert (await learner.call("GetDraft", name=name)).content == content
    assert len(saved.draft_hash) == 32


async def test_a_draft_of_another_base_is_refused(learner: Learner) -> None:
    name = (await learner.start("yoga")).name
    saved = await learner.call("SaveDraft", name=name, content='{"a":1}')

    refused_call = await refusal(
        learner.call("SaveDraft", name=name, content='{"a":2}', base_hash="d41d8cd98f00b204e9800998ecf8427e")
    )

    assert (refused_call.code, refused_call.reason) == (Code.ABORTED, "ETAG_MISMATCH")
    assert refused_call.metadata == {"etag": saved.draft_hash}


@pytest.mark.parametrize(
    "fields",
    [
        {"role": "system", "content": "x"},
        {"role": "user", "content": ""},
        {"role": "user", "content": "x" * 10_001},
        {"role": "user", "content": "nul \0"},
    ],
)
async def test_a_message_outside_the_rules_is_refused(learner: Learner, fields: dict[str, str]) -> None:
    name = (await learner.start()).name

    refused_call = await refusal(learner.call("AddMessage", name=name, **fields))

    assert (refused_call.code, refused_call.reason) == (Code.INVALID_ARGUMENT, "FIELD_INVALID")


@pytest.mark.parametrize("method", ["ListSessions", "GetActiveSession", "StartSession"])
async def test_a_product_there_is_not_is_named(learner: Learner, method: str) -> None:
    refused_call = await refusal(learner.call(method, product="chess"))

    assert (refused_call.code, refused_call.reason) == (Code.INVALID_ARGUMENT, "PRODUCT_UNKNOWN")


async def test_a_fault_leaves_as_a_generic_internal_error(
    learner: Learner, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: Any) -> Any:
        raise RuntimeError("secret: SELECT * FROM session.answer")

    name = (await learner.start()).name
    monkeypatch.setattr(readers.SqlReaders, "get", broken)
    asking = learner.with_metadata(x_request_id="correlate-me")

    with caplog.at_level(logging.CRITICAL):
        for method in ("GetSession", "WatchSession"):
            refused_call = await refused(asking.call(method, name=name))

            assert (refused_call.code, refused_call.reason) == (Code.INTERNAL, "INTERNAL")
            assert refused_call.metadata == {"request_id": "correlate-me"}
            assert "secret" not in refused_call.message
            assert not any(b"secret" in str(value).encode() for value in refused_call.trailing.values())


async def test_a_catalog_that_is_away_is_told_as_such(session_settings: dict[str, Any], me: Metadata) -> None:
    settings = SessionSettings(**{**session_settings, "catalog_address": f"127.0.0.1:{free_port()}"})
    async with serving(settings) as server, grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        learner = Learner(rpc.SessionServiceStub(channel), me)
        name = (await learner.start("exercises")).name

        for call in (
            learner.answer(name, "hable"),
            learner.start("design", content="problems/1"),
            learner.call("RecordStandaloneAnswer", product="exercises", answer=ANSWER),
        ):
            refused_call = await refusal(call)
            assert (refused_call.code, refused_call.reason) == (Code.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE")
            assert refused_call.metadata == {"part": "catalog"}
            assert "127.0.0.1" not in refused_call.message
