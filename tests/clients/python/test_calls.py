"""How a call is sent: keys, pauses, deadlines, errors, what is read after it was written, tokens, pages.

The server is a small one on a real socket, which breaks connections and answers as each test says.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.python.asking import Ask
from tests.clients.python.scripted import BREAK, HANG, Answer, example, scripted

STARTED = example("exercises", "start a session", session_id=42)
BUSY = Answer(503, {"detail": "later"}, {"x-practice-reason": "DEPENDENCY_UNAVAILABLE"})
STANDING = {"pending": False, "applied_through": "7"}


def start(practice: Any) -> Any:
    return practice.exercises.start_session(session_type="practice")


def standing(practice: Any) -> Any:
    return practice.v1.get_standing(product="exercises")


def test_every_try_of_a_change_has_the_same_key(ask: Ask) -> None:
    with scripted(BREAK, BUSY, Answer(body=STARTED)) as server:
        assert ask(server.url, start).session_id == 42
        assert ask(server.url, start).session_id == 42
    first, second, third, other = server.received
    assert first.body == second.body == third.body == {"session_type": "practice"}
    keys = [each.headers["idempotency-key"] for each in (first, second, third)]
    assert len(set(keys)) == 1
    assert other.headers["idempotency-key"] not in keys
    assert len({each.headers["x-request-id"] for each in (first, second, third)}) == 1


def test_the_key_stands_where_the_operation_has_it(ask: Ask) -> None:
    answer = example("canonical", "start a session")
    with scripted(BREAK, Answer(body=answer)) as server:
        ask(server.url, lambda practice: practice.v1.start_session(product="focus", idempotency_key="mine"))
        ask(server.url, lambda practice: practice.v1.delete_problem("problems/7", idempotency_key="mine"))
    first, second, third = server.received
    assert first.body == second.body == {"product": "focus", "request_id": "mine"}
    assert "idempotency-key" not in first.headers
    assert third.path == "/v1/problems/7?request_id=mine"


def test_what_is_refused_for_good_is_sent_once(ask: Ask, client: Any) -> None:
    ended = Answer(
        409, {"detail": "Session is over"}, {"x-practice-reason": "SESSION_ENDED", "x-request-id": "r1"}
    )
    with scripted(ended) as server, pytest.raises(client.ApiError) as refused:
        ask(server.url, start)
    assert len(server.received) == 1
    told = refused.value
    assert (told.status, told.reason, told.message) == (409, "SESSION_ENDED", "Session is over")
    assert (told.request_id, told.fields, told.retry_after) == ("r1", {}, None)


def test_a_pause_is_not_shorter_than_the_platform_asks(ask: Ask) -> None:
    limited = Answer(429, {"detail": "slowly"}, {"retry-after": "1", "x-practice-reason": "RATE_LIMITED"})
    with scripted(limited, Answer(body=STARTED)) as server:
        ask(server.url, start)
    first, second = server.received
    assert second.time - first.time >= 1


def test_pauses_grow_and_differ(client: Any) -> None:
    retries = client.Retries(first_seconds=1.0, longest_seconds=4.0)
    for tries, longest in ((1, 1), (2, 2), (3, 4), (9, 4)):
        pauses = {retries.pause(tries) for _ in range(100)}
        assert all(0 <= pause <= longest for pause in pauses)
        assert max(pauses) > longest / 2
        assert len(pauses) > 50
    assert 10 <= retries.pause(1, retry_after=10) <= 11


def test_tries_end_with_the_last_refusal(ask: Ask, client: Any) -> None:
    quick = client.Retries(tries=3, first_seconds=0.001)
    with scripted(BUSY) as server, pytest.raises(client.ApiError) as refused:
        ask(server.url, start, retries=quick)
    assert refused.value.status == 503
    assert len(server.received) == 3
    with scripted(BREAK) as server, pytest.raises(client.NetworkError) as unheard:
        ask(server.url, start, retries=quick)
    assert len(server.received) == 3
    assert unheard.value.request_id == server.received[0].headers["x-request-id"]


def test_the_deadline_is_that_of_all_tries(ask: Ask, client: Any) -> None:
    endless = client.Retries(tries=10**6, first_seconds=0.01, longest_seconds=0.05)
    with scripted(BUSY, BREAK, HANG) as server, pytest.raises(client.DeadlineExceeded):
        ask(server.url, start, retries=endless, deadline=1)
    assert len(server.received) == 3
    with scripted(BUSY) as server, pytest.raises(client.PracticeError):
        ask(server.url, start, retries=endless, deadline=0.5)
    assert len(server.received) > 1


def test_who_would_have_to_wait_longer_than_the_deadline_is_told_at_once(ask: Ask, client: Any) -> None:
    limited = Answer(
        429, {"detail": "tomorrow"}, {"retry-after": "86400", "x-practice-reason": "QUOTA_EXCEEDED"}
    )
    with scripted(limited) as server, pytest.raises(client.ApiError) as refused:
        ask(server.url, start)
    assert len(server.received) == 1
    assert refused.value.retry_after == 86400


@pytest.mark.parametrize(
    ("body", "message", "fields"),
    [
        ({"detail": "a: is required; b: is too long"}, "a: is required; b: is too long", True),
        ({"error": "invalid_request", "message": "a: is required; b: is too long"}, None, True),
        ({"success": False, "message": "a: is required; b: is too long", "data": None}, None, True),
        (
            {
                "detail": [
                    {"loc": ["body", "a"], "msg": "is required", "type": "missing"},
                    {"loc": ["body", "b"], "msg": "is too long", "type": "long"},
                ]
            },
            "a: is required; b: is too long",
            True,
        ),
        (
            {
                "error": {
                    "code": 400,
                    "message": "a is required",
                    "details": [
                        {"@type": "ErrorInfo", "reason": "FIELD_INVALID"},
                        {
                            "@type": "BadRequest",
                            "field_violations": [
                                {"field": "a", "description": "is required"},
                                {"field": "b", "description": "is too long"},
                            ],
                        },
                    ],
                }
            },
            "a is required",
            True,
        ),
        (["no object"], "Bad Request", False),
    ],
)
def test_errors_of_every_shape_are_one_exception(
    ask: Ask, client: Any, body: Any, message: str | None, fields: bool
) -> None:
    answer = Answer(400, body, {"x-practice-reason": "FIELD_INVALID"})
    with scripted(answer) as server, pytest.raises(client.ApiError) as refused:
        ask(server.url, start)
    assert refused.value.message == (message or "a: is required; b: is too long")
    assert refused.value.fields == ({"a": "is required", "b": "is too long"} if fields else {})


def test_statistics_that_are_read_include_what_was_written(ask: Ask) -> None:
    written = [Answer(body=STARTED, headers={"x-practice-user-seq": number}) for number in ("7", "5")]
    with scripted(Answer(body=STANDING), *written, Answer(body=STANDING)) as server:
        ask(server.url, standing, start, start, standing)
    paths = [each.path for each in server.received if each.method == "GET"]
    assert paths == ["/v1/standing?product=exercises", "/v1/standing?product=exercises&min_user_seq=7"]


def test_a_token_that_has_ended_is_renewed_once(ask: Ask, client: Any) -> None:
    ended = Answer(401, {"detail": "ended"}, {"x-practice-reason": "TOKEN_INVALID"})
    renewed = Answer(
        body={"access_token": "new", "refresh_token": "", "token_type": "bearer", "expires_in": 1}
    )
    kept: list[Any] = []
    tokens = client.Tokens("old", "refresh")
    with scripted(ended, renewed, Answer(body=STARTED)) as server:
        ask(server.url, start, start, tokens=tokens, tokens_changed=kept.append)
    first, renewal, second, third = server.received
    assert (renewal.path, renewal.body) == ("/v1/accounts:refresh", {"refresh_token": "refresh"})
    signed = [each.headers["authorization"] for each in (first, second, third)]
    assert signed == ["Bearer old", "Bearer new", "Bearer new"]
    assert second.headers["idempotency-key"] == first.headers["idempotency-key"]
    assert kept == [client.Tokens("new", "refresh")]


def test_a_token_that_cannot_be_renewed_is_a_refusal(ask: Ask, client: Any) -> None:
    ended = Answer(401, {"detail": "ended"}, {"x-practice-reason": "TOKEN_INVALID"})
    with scripted(ended) as server, pytest.raises(client.ApiError) as refused:
        ask(server.url, start, tokens=client.Tokens("old", "refresh"))
    assert refused.value.reason == "TOKEN_INVALID"
    assert [each.path for each in server.received] == ["/exercises/session/start", "/v1/accounts:refresh"]


def test_pages_that_name_the_next_are_fetched_as_they_are_reached(ask: Ask) -> None:
    first = example("canonical", "list exercises", next_page_token="t")
    last = {"exercises": first["exercises"][:1], "next_page_token": ""}
    pages = [Answer(body=first), Answer(body=last)]
    with scripted(*pages) as server:
        found = ask(server.url, lambda practice: practice.v1.all_exercises(page_size=2))
    assert [each.name for each in found] == [each["name"] for each in first["exercises"] + last["exercises"]]
    assert [each.path for each in server.received] == [
        "/v1/exercises?page_size=2",
        "/v1/exercises?page_size=2&page_token=t",
    ]


def test_what_a_newer_platform_adds_is_kept(ask: Ask) -> None:
    with scripted(Answer(body={**STARTED, "mood": "good"})) as server:
        assert ask(server.url, start).mood == "good"
