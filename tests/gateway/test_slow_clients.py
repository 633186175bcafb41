"""Clients that read nothing, or send half of what they announced, hold up nobody else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.canonical_errors import reason_of
from tests.gateway.crowd import crowd, has_ended, request
from tests.gateway.edge import Edge
from tests.gateway.upstream import Upstream
from tests.tokens import TestTokens
from tests.waiting import eventually

Start = Callable[..., Edge]
ANNOUNCED = 2_400_500
SENT = b" " * 2_400_000
AUTOSAVE = f"/design/sessions/{'a' * 24}/autosave"


@pytest.fixture(scope="module")
def start_edge(
    tmp_path_factory: pytest.TempPathFactory, gateway_settings: dict[str, Any], tokens: TestTokens
) -> Iterator[Start]:
    """Starts a gateway with settings of its own, for the module."""
    running: list[Edge] = []

    def start(**settings: Any) -> Edge:
        directory = tmp_path_factory.mktemp("edge")
        running.append(Edge(directory, tokens.issue(42), **{**gateway_settings, **settings}))
        running[-1].wait_until_healthy()
        return running[-1]

    yield start
    for each in running:
        each.stop()


@pytest.fixture(scope="module")
def public_edge(start_edge: Start) -> Edge:
    """A gateway with the limits everybody has, behind a proxy that says where clients are."""
    return start_edge(gateway_trusted_proxies=1, gateway_max_heap_mib=512)


@pytest.fixture(scope="module")
def hasty_edge(start_edge: Start) -> Edge:
    """A gateway that waits for nobody."""
    return start_edge(
        gateway_upload_seconds=2,
        gateway_upload_idle_seconds=1,
        gateway_download_seconds=2,
        gateway_download_idle_seconds=1,
        gateway_watch_seconds=2,
        gateway_max_open_calls=3,
        gateway_open_address_rate=1,
        gateway_open_address_burst=12,
    )


def statuses_of_others(edge: Edge) -> dict[str, int]:
    calls = {
        "session": lambda: edge.call("GET", "/v1/sessions/5"),
        "focus": lambda: edge.call("GET", "/focus/api/v1/sessions/active"),
        "statistics": lambda: edge.call("GET", "/v1/badges"),
        "log-in": lambda: edge.http.post("/v1/accounts:logIn", json={}),
        "health": lambda: edge.http.get("/health"),
    }
    return {name: call().status_code for name, call in calls.items()}


def assert_all_others_are_answered(edge: Edge) -> None:
    for _ in range(3):
        statuses = statuses_of_others(edge)
        assert statuses == dict.fromkeys(statuses, 200)


@pytest.mark.parametrize("path", ["/design/sessions/user/my-sessions", "/v1/me:export"])
def test_forty_downloads_that_nobody_reads_hold_up_nobody(
    public_edge: Edge, tokens: TestTokens, path: str
) -> None:
    with crowd(public_edge, 40, request("GET", path, tokens.issue(7))):
        assert_all_others_are_answered(public_edge)


def test_answers_that_nobody_reads_are_dropped_before_they_fill_the_memory(
    start_edge: Start, tokens: TestTokens
) -> None:
    edge = start_edge(gateway_max_heap_mib=128)
    with crowd(edge, 60, request("GET", "/v1/sessions/5/draft", tokens.issue(7))):
        eventually(lambda: "resetting" in edge.log_text())
        # Memory rises and falls until the last of them is dropped.
        eventually(lambda: set(statuses_of_others(edge).values()) == {200})


@pytest.mark.parametrize("path", ["/v1/accounts:logIn", "/v1/accounts:refresh/", "/design/users/login"])
def test_without_a_token_half_a_large_body_is_refused_at_once(public_edge: Edge, path: str) -> None:
    half = request("POST", path, length=ANNOUNCED, body=SENT)
    # From an address of their own, as strangers: what an address may ask without a token is bounded.
    strangers = half.replace(b"host:", b"x-forwarded-for: 203.0.113.7\r\nhost:", 1)
    with crowd(public_edge, 200, strangers) as clients:
        # What is refused lets go of its memory a moment later than it is told.
        eventually(lambda: public_edge.memory() < 0.5)
        assert_all_others_are_answered(public_edge)
        assert all(has_ended(client, 10) for client in clients)


def test_half_sent_documents_of_one_person_are_few(public_edge: Edge, tokens: TestTokens) -> None:
    half = request("PUT", AUTOSAVE, tokens.issue(7), length=ANNOUNCED, body=SENT)
    with crowd(public_edge, 120, half) as clients:
        eventually(lambda: public_edge.memory() < 0.2)
        assert_all_others_are_answered(public_edge)
        large = public_edge.call("PUT", "/v1/sessions/5/draft", json={"content": "x" * 1_000_000})
        assert large.status_code == 200
        kept = public_edge.settings.gateway_max_uploads_per_user
        eventually(lambda: sum(not has_ended(client, 0.01) for client in clients) <= kept)


def test_half_sent_documents_of_many_people_at_many_addresses_are_bounded(
    public_edge: Edge, tokens: TestTokens
) -> None:
    def half(number: int) -> bytes:
        sent = request("PUT", AUTOSAVE, tokens.issue(1000 + number), length=ANNOUNCED, body=SENT)
        return sent.replace(b"host:", f"x-forwarded-for: 203.0.113.{number // 2}\r\nhost:".encode(), 1)

    with crowd(public_edge, 200, half) as clients:
        eventually(lambda: public_edge.memory() < 0.6)
        assert_all_others_are_answered(public_edge)
        small = public_edge.call("PUT", "/v1/sessions/5/draft", json={"content": "x"})
        assert small.status_code == 200
        kept = public_edge.settings.gateway_max_uploads
        eventually(lambda: sum(not has_ended(client, 0.01) for client in clients) <= kept)


def test_a_place_is_free_again_when_a_document_has_arrived_or_broke_off_long_ago(
    start_edge: Start, tokens: TestTokens
) -> None:
    edge = start_edge(
        gateway_max_uploads_per_user=2, gateway_upload_seconds=8, gateway_request_timeout_seconds=4
    )

    def save() -> httpx.Response:
        return edge.call("PUT", AUTOSAVE, content=b'{"a":"%s"}' % (b"x" * 200_000))

    assert [save().status_code for _ in range(10)] == [200] * 10
    half = request("PUT", AUTOSAVE, tokens.issue(42), length=ANNOUNCED, body=SENT)
    before = edge.memory()
    with crowd(edge, 2, half):
        # Both have places before anybody else asks for one.
        eventually(lambda: edge.memory() > before + 0.015)
        refused = save()
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
        assert refused.headers["ratelimit-policy"] == '"uploads user";q=2;qu="concurrent-requests"'
        assert refused.headers["ratelimit"] == '"uploads user";r=0;t=5'
    eventually(lambda: save().status_code == 200)


@pytest.mark.parametrize(
    ("verb", "path", "token"),
    [("PUT", AUTOSAVE, True), ("POST", "/design/sessions", True), ("POST", "/design/users/login", False)],
)
def test_a_body_that_stops_arriving_ends_the_request(
    hasty_edge: Edge, tokens: TestTokens, verb: str, path: str, token: bool
) -> None:
    begun = request(verb, path, tokens.issue(9) if token else "", length=100, body=b"{")
    assert hasty_edge.send_raw(begun) == (408, {"detail": "The request took too long to arrive"})


def test_a_body_that_arrives_byte_by_byte_ends_the_request(hasty_edge: Edge, tokens: TestTokens) -> None:
    with crowd(hasty_edge, 1, request("PUT", AUTOSAVE, tokens.issue(9), length=100)) as (client,):
        began = time.monotonic()
        while not has_ended(client, 0.3) and time.monotonic() - began < 20:
            client.send(b" ")
        assert 1 < time.monotonic() - began < 15


@pytest.mark.parametrize("path", ["/design/sessions/user/my-sessions", "/v1/sessions/5:watch"])
def test_a_download_and_a_watch_come_to_an_end(hasty_edge: Edge, tokens: TestTokens, path: str) -> None:
    with crowd(hasty_edge, 1, request("GET", path, tokens.issue(7))):
        eventually(lambda: any(line["path"] == path for line in hasty_edge.log_lines()))


def test_calls_without_a_token_do_not_take_the_places_of_the_others(
    hasty_edge: Edge, upstream: Upstream
) -> None:
    log_in = request("POST", "/v1/accounts:logIn").replace(b"\r\nhost", b"\r\nx-scenario: silence\r\nhost", 1)
    upstream.calls.clear()
    with crowd(hasty_edge, 3, log_in):
        eventually(lambda: len(upstream.calls) == 3)
        refused = hasty_edge.http.post("/v1/accounts:logIn", json={})
        assert (refused.status_code, reason_of(refused)) == (503, "DEPENDENCY_UNAVAILABLE")
        assert hasty_edge.call("GET", "/v1/accounts/me").status_code == 200


def test_an_address_that_asks_for_tokens_too_often_is_told_to_wait(hasty_edge: Edge) -> None:
    def log_in() -> httpx.Response:
        return hasty_edge.http.post("/focus/../design/users/login", data={"username": "a", "password": "b"})

    answers = [log_in() for _ in range(40)]
    refused = [each for each in answers if each.status_code == 429]
    assert refused[0].json() == {"detail": "Too many requests; try again later"}
    assert refused[0].headers["retry-after"] == "1"
    assert refused[0].headers["ratelimit"] == '"address open";r=0;t=1'
    rate = hasty_edge.settings.gateway_open_address_rate
    assert refused[0].headers["ratelimit-policy"] == f'"address open";q={rate};w=1'
    assert {each.status_code for each in answers} == {200, 429}
    assert hasty_edge.call("GET", "/v1/sessions/5").status_code == 200
