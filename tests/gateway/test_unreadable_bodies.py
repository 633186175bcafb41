"""What the edge says about a body that the transcoder cannot read, and what it takes for JSON."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from tests.canonical_errors import error_of, reason_of
from tests.gateway.edge import Edge
from tests.gateway.upstream import Call

FOCUS = "/focus/api/v1/sessions"
MESSAGE = "The request body is not the JSON this call takes"
# What the transcoder, its parser and protobuf say where nobody asked.
PARSER_WORDS = (
    "UTF-8",
    "token",
    "Expected",
    "oneof",
    "Proto",
    "TYPE_",
    "type.googleapis.com/google.protobuf",
    "^",
)


def focus(message: str) -> dict[str, Any]:
    return {"success": False, "message": message, "data": None}


@pytest.mark.parametrize(
    "content",
    [
        b'{"duration_seconds": ',
        b"not json",
        b'{"duration_seconds": NaN}',
        b'{"duration_seconds": 1e999}',
        b"[1]",
        b"\xef\xbb\xbf{}",
        b'{"duration_seconds": "\xff"}',
        b"\xff\xfe{\x00}\x00",
        gzip.compress(b'{"duration_seconds": 60}'),
        b'{"duration_seconds": [60]}',
        b'{"duration_seconds": {"is": 60}}',
        b'{"duration_seconds": 60, "duration_seconds": 61}',
        b'{"nested": ' * 200,
        b'{"duration_seconds": "%s"}' % (b"x" * 1000),
    ],
    ids=range(14),
)
def test_a_body_that_cannot_be_read_is_a_400_in_the_platforms_words(
    edge: Edge, calls: list[Call], content: bytes
) -> None:
    response = edge.call("POST", FOCUS, content=content)
    assert (response.status_code, response.json()) == (400, focus(MESSAGE))
    assert not calls


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/v1/sessions/5:pause", b'{"elapsed": "soon"}'),
        ("/v1/sessions/5:pause", b'{"elapsed": 5}'),
        ("/v1/sessions/5:pause", b'{"name": "sessions/6"}'),
        ("/v1/sessions", b'{"request_id": ["a"]}'),
        ("/v1/sessions", b"\x1f\x8b"),
    ],
)
def test_the_canonical_api_says_the_same(edge: Edge, path: str, content: bytes) -> None:
    response = edge.call("POST", path, content=content)
    error = error_of(response)
    assert (error["code"], error["status"], error["message"]) == (400, "INVALID_ARGUMENT", MESSAGE)
    assert reason_of(response) == "REQUEST_MALFORMED"
    assert not [word for word in PARSER_WORDS if word in response.text]


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/exercises/submit", 400, {"detail": MESSAGE}),
        ("/api/exercises/submit", 400, {"detail": MESSAGE}),
        ("/portal/api/v1/sessions/7/progress", 400, {"error": "invalid_request", "message": MESSAGE}),
        (
            "/yoga/api/v1/sessions/start",
            422,
            {"detail": [{"loc": ["body"], "msg": MESSAGE, "type": "value_error"}]},
        ),
        (
            "/design/users/signup",
            422,
            {"detail": [{"loc": ["body"], "msg": MESSAGE, "type": "value_error"}]},
        ),
    ],
)
def test_every_product_says_it_in_its_own_shape(edge: Edge, path: str, status: int, body: Any) -> None:
    for content in (
        b"{",
        b"\xff",
        b'{"activity_id": 1, "sequence_id": [1], "email": {}, "user_answer": [], "answer": []}',
    ):
        response = edge.call("POST", path, content=content)
        assert (response.status_code, response.json()) == (status, body)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"duration_seconds": "long"}', 'duration_seconds: "long" is not a valid integer'),
        (b'{"duration_seconds": 1.5}', "duration_seconds: 1.5 is not a valid integer"),
        (b'{"duration_seconds": true}', "duration_seconds: true is not a valid integer"),
        ('{"duration_seconds": "é"}'.encode(), 'duration_seconds: "é" is not a valid integer'),
        (
            b'{"duration_seconds": "a\\\\n\\"%1\\n^"}',
            'duration_seconds: "a\\n"%1\n^" is not a valid integer',
        ),
    ],
    ids=range(5),
)
def test_a_value_of_the_wrong_type_is_named_with_its_field(
    edge: Edge, calls: list[Call], content: bytes, message: str
) -> None:
    response = edge.call("POST", FOCUS, content=content)
    assert (response.status_code, response.json()) == (400, focus(message))
    assert not calls


def test_a_query_that_cannot_be_read_is_not_blamed_on_a_body(edge: Edge) -> None:
    for query in ("limit=1&limit=2", "before=%ff"):
        response = edge.call("GET", f"{FOCUS}?{query}")
        assert (response.status_code, response.json()) == (400, focus("The request could not be read"))


@pytest.mark.parametrize(
    "content",
    [
        b"{duration_seconds: 60}",
        b"{'duration_seconds': 60}",
        b'{"duration_seconds": 60,}',
        b'{"duration_seconds": 60, "note": "a\nb"}',
        b'{"duration_seconds": 60, "note": "\\x"}',
    ],
)
def test_json_that_is_nearly_json_is_read_as_what_it_means(
    edge: Edge, calls: list[Call], content: bytes
) -> None:
    """docs/adr/0014 says why."""
    assert edge.call("POST", FOCUS, content=content).status_code == 200
    assert calls[0].request.duration_seconds == 60
