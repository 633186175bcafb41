"""Headers no service should see: unreadable values, two hosts, ids that nobody could look for."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.canonical_errors import error_of, read_error
from tests.gateway.edge import Edge
from tests.gateway.upstream import Call
from tests.tokens import TestTokens

FOCUS = "/focus/api/v1/sessions"
WORDS = "only printable ASCII characters are taken here"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def ask(path: str, *headers: bytes, host: bytes = b"host: a") -> bytes:
    return b"\r\n".join([b"GET " + path.encode("latin-1") + b" HTTP/1.1", host, *headers, b"", b""])


@pytest.mark.parametrize("value", [b"caf\xc3\xa9", b"\xe9", b"a\tb", "日本".encode()])
@pytest.mark.parametrize("name", ["authorization", "x-anything", "idempotency-key", "x-time-zone"])
def test_a_value_that_is_not_printable_ascii_is_refused_before_a_service_sees_it(
    edge: Edge, calls: list[Call], tokens: TestTokens, name: str, value: bytes
) -> None:
    token = b"Bearer " + tokens.issue(42).encode()
    given = {b"authorization": token, name.encode(): value if name != "authorization" else token + value}
    headers = [key + b": " + each for key, each in given.items()]
    status, body = edge.send_raw(ask(f"{FOCUS}/active", *headers))
    assert (status, body) == (400, {"success": False, "message": f"{name}: {WORDS}", "data": None})
    assert not calls


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("/exercises/session/end", 400, f"x-a: {WORDS}"),
        (
            "/yoga/api/v1/sessions/current",
            422,
            [{"loc": ["header", "x-a"], "msg": WORDS, "type": "value_error"}],
        ),
        ("/design/problems", 422, [{"loc": ["header", "x-a"], "msg": WORDS, "type": "value_error"}]),
    ],
)
def test_it_is_refused_on_open_paths_too_and_in_the_products_shape(
    edge: Edge, calls: list[Call], path: str, status: int, detail: Any
) -> None:
    assert edge.send_raw(ask(path, b"x-a: \xff")) == (status, {"detail": detail})
    assert not calls


def test_the_operators_listener_refuses_it_as_well(edge: Edge, calls: list[Call]) -> None:
    headers = {"x-practice-internal": "a token\xe9".encode("latin-1")}
    response = edge.operators.get("/admin/v1/outbox", headers=headers)
    assert (response.status_code, error_of(response)["message"]) == (400, f"x-practice-internal: {WORDS}")
    assert not calls


def test_a_path_that_is_not_ascii_is_refused(edge: Edge, calls: list[Call]) -> None:
    status, body = edge.send_raw(ask("/focus/\xe9"))
    assert (status, read_error(status, body)["message"]) == (400, "The request could not be read")
    assert not calls


def test_a_browser_or_page_with_an_unreadable_name_is_served_without_it(
    edge: Edge, calls: list[Call]
) -> None:
    headers = {"user-agent": "Caf\xe9/1".encode("latin-1"), "referer": b"\xff"}
    assert edge.call("GET", "/v1/sessions/5", headers=headers).status_code == 200
    assert not {"referer", "user-agent"} & {
        name for name, value in calls[0].metadata.items() if "\xe9" in str(value)
    }


def test_two_hosts_are_refused(edge: Edge, calls: list[Call]) -> None:
    status, _ = edge.send_raw(ask("/design/problems", host=b"host: a\r\nhost: b"))
    assert status in (400, 422)
    assert not calls


@pytest.mark.parametrize("kept", ["a", "0" * 128, "log-me_1.2"])
def test_a_request_id_is_kept(edge: Edge, kept: str) -> None:
    response = edge.call("GET", "/v1/sessions/5", headers={"x-request-id": kept})
    assert response.headers["x-request-id"] == kept


@pytest.mark.parametrize("strange", ["", "0" * 129, "a b", "a/b", "<script>", "a" * 4000])
def test_a_request_id_that_nobody_could_look_for_gives_way_to_a_new_one(
    edge: Edge, calls: list[Call], strange: str
) -> None:
    ids = {
        edge.call("GET", "/v1/sessions/5", headers={"x-request-id": strange}).headers["x-request-id"]
        for _ in range(5)
    }
    assert len(ids) == 5
    assert all(UUID.fullmatch(each) for each in ids)
    assert {call.metadata["x-request-id"] for call in calls} == ids
