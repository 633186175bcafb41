"""Watching a session over REST."""

from __future__ import annotations

import json

from tests.canonical_errors import reason_of
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
