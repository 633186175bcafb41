"""Watching over REST: lines, or server-sent events for who accepts them."""

from __future__ import annotations

import json

import pytest

from tests.canonical_errors import error_of, reason_of
from tests.described import read_events
from tests.gateway.edge import Edge
from tests.gateway.upstream import Call, Upstream
from tests.tokens import TestTokens


def test_a_watched_session_has_a_line_for_each_change_as_it_happens(edge: Edge, upstream: Upstream) -> None:
    with edge.stream("/v1/sessions/5:watch?cursor=3") as response:
        assert (response.status_code, response.headers["content-type"]) == (200, "application/x-ndjson")
        lines = response.iter_lines()
        first = json.loads(next(lines))
        upstream.tell_that_the_first_change_was_read()
        assert [first["cursor"], *(json.loads(line)["cursor"] for line in lines if line)] == ["1", "2"]


def test_a_watch_that_is_refused_is_an_ordinary_error(edge: Edge) -> None:
    response = edge.call("GET", "/v1/sessions/5:watch", scenario="not_found")
    assert (response.status_code, reason_of(response)) == (404, "SESSION_NOT_FOUND")


def test_a_watch_may_last_for_hours(edge: Edge, upstream: Upstream, calls: list[Call]) -> None:
    with edge.stream("/v1/sessions/5:watch"):
        upstream.tell_that_the_first_change_was_read()
    assert 3600 < (calls[0].seconds_left or 0) <= edge.settings.gateway_watch_seconds


def test_a_watcher_is_answered_before_anything_happens(edge: Edge, tokens: TestTokens) -> None:
    headers = {"authorization": f"Bearer {tokens.issue(42)}", "x-scenario": "nothing_happens"}
    with edge.http.stream("GET", "/v1/sessions/5:watch?cursor=3", headers=headers) as response:
        assert (response.status_code, response.headers["content-type"]) == (200, "application/x-ndjson")


EVENTS = {"accept": "text/event-stream"}


@pytest.mark.parametrize("path", ["/v1/sessions/5:watch?cursor=3", "/v1/me:watch?cursor=3"])
def test_who_accepts_events_gets_them_as_they_happen(
    path: str, edge: Edge, tokens: TestTokens, upstream: Upstream, calls: list[Call]
) -> None:
    headers = {"authorization": f"Bearer {tokens.issue(42)}", **EVENTS, "last-event-id": "7"}
    with edge.http.stream("GET", path, headers=headers) as response:
        assert (response.status_code, response.headers["content-type"]) == (200, "text/event-stream")
        headers_that_matter = ("cache-control", "x-accel-buffering")
        assert [response.headers[name] for name in headers_that_matter] == ["no-store", "no"]
        pieces, text = response.iter_text(), ""
        while not read_events(text):
            text += next(pieces)
        upstream.tell_that_the_first_change_was_read()
        text += "".join(pieces)
    assert text.startswith("retry: ")
    events = read_events(text)
    assert [(event.id, event.name) for event in events] == [("1", "answered"), ("2", "ended"), ("", "end")]
    assert [json.loads(event.data)["cursor"] for event in events[:-1]] == ["1", "2"]
    (call,) = calls
    assert (call.request.cursor, call.metadata["last-event-id"]) == (3, "7")
    assert 3600 < (call.seconds_left or 0) <= edge.settings.gateway_watch_seconds


def test_an_event_says_what_a_line_says(edge: Edge, upstream: Upstream) -> None:
    upstream.tell_that_the_first_change_was_read()
    lines = [json.loads(line) for line in edge.call("GET", "/v1/sessions/5:watch").text.splitlines()]
    events = read_events(edge.call("GET", "/v1/sessions/5:watch", headers=EVENTS).text)
    assert [json.loads(event.data) for event in events[:-1]] == lines


@pytest.mark.parametrize("accepted", ["", "*/*", "application/json", "application/x-ndjson"])
def test_everybody_else_gets_lines(accepted: str, edge: Edge, upstream: Upstream) -> None:
    upstream.tell_that_the_first_change_was_read()
    response = edge.call("GET", "/v1/sessions/5:watch", headers={"accept": accepted})
    assert response.headers["content-type"] == "application/x-ndjson"


@pytest.mark.parametrize("accepted", ["text/event-stream", "application/json, Text/Event-Stream;q=0.9"])
def test_events_are_accepted_among_others(accepted: str, edge: Edge, upstream: Upstream) -> None:
    upstream.tell_that_the_first_change_was_read()
    response = edge.call("GET", "/v1/sessions/5:watch/", headers={"accept": accepted})
    assert response.headers["content-type"] == "text/event-stream"


def test_a_watch_by_events_that_is_refused_is_an_ordinary_error(edge: Edge, tokens: TestTokens) -> None:
    for scenario, status in (("not_found", 404), ("exhausted", 429)):
        response = edge.call("GET", "/v1/sessions/5:watch", scenario=scenario, headers=EVENTS)
        assert response.status_code == status, scenario
        assert error_of(response)["code"] == status
    assert edge.http.get("/v1/sessions/5:watch", headers=EVENTS).status_code == 401
    unknown = edge.call("GET", "/v1/sessions/5:watch?from=3", headers=EVENTS)
    assert (unknown.status_code, reason_of(unknown)) == (400, "REQUEST_MALFORMED")


def test_what_does_not_stream_events_answers_who_accepts_nothing_else(edge: Edge) -> None:
    response = edge.call("GET", "/v1/sessions/5", headers=EVENTS)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")


@pytest.mark.parametrize("path", ["/events/v1/sessions/5:watch", "/events/v1/me:watch"])
def test_the_path_of_events_within_leads_nowhere_from_outside(
    path: str, edge: Edge, calls: list[Call]
) -> None:
    for headers in (EVENTS, {}):
        assert edge.call("GET", path, headers=headers).status_code == 404
    assert calls == []
