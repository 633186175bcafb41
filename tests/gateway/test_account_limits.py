"""An account asks `/v1` so often a minute, whichever addresses it asks from; nobody else pays for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.rate_limits import account_rate_limit
from gateway.settings import GatewaySettings
from tests.canonical_errors import error_of, reason_of
from tests.gateway.edge import Edge
from tests.gateway.upstream import Call
from tests.tokens import TestTokens


@pytest.fixture(scope="module")
def narrow_edge(
    tmp_path_factory: pytest.TempPathFactory, gateway_settings: dict[str, Any], tokens: TestTokens
) -> Iterator[Edge]:
    """A gateway that gives an account one request a minute."""
    settings = {**gateway_settings, "gateway_account_rate_per_minute": 1}
    edge = Edge(tmp_path_factory.mktemp("edge"), tokens.issue(42), **settings)
    edge.wait_until_healthy()
    yield edge
    edge.stop()


def get(edge: Edge, token: str, path: str = "/v1/sessions/5", **headers: str) -> httpx.Response:
    return edge.http.get(path, headers={"authorization": f"Bearer {token}", **headers})


def test_who_asks_too_often_is_told_the_limit_and_when_to_come_back(
    narrow_edge: Edge, calls: list[Call], tokens: TestTokens
) -> None:
    assert get(narrow_edge, tokens.issue(1)).status_code == 200
    # Another token of the same account, and a header that nobody takes an account from.
    for refused in (
        get(narrow_edge, tokens.issue(1), "/v1/standing"),
        get(narrow_edge, tokens.issue(1), **{"x-user-id": "77", "x-forwarded-for": "203.0.113.9"}),
    ):
        assert (refused.status_code, reason_of(refused)) == (429, "RATE_LIMITED")
        assert error_of(refused)["message"] == "Too many requests; try again later"
        assert refused.headers["retry-after"] == "60"
        assert refused.headers["ratelimit-policy"] == '"account";q=1;w=60'
        assert refused.headers["ratelimit"] == '"account";r=0;t=60'
    assert len(calls) == 1


def test_only_the_canonical_api_counts_and_only_good_tokens_do(narrow_edge: Edge, tokens: TestTokens) -> None:
    focus = "/focus/api/v1/sessions/active"
    assert {get(narrow_edge, tokens.issue(2), focus).status_code for _ in range(3)} == {200}
    assert get(narrow_edge, tokens.issue(2)).status_code == 200
    assert get(narrow_edge, tokens.issue(2)).status_code == 429
    assert get(narrow_edge, tokens.issue(2), focus).status_code == 200
    # Whoever claims to be somebody uses nothing of theirs up.
    assert get(narrow_edge, tokens.issue(3, iss="somebody")).status_code == 401
    assert get(narrow_edge, tokens.issue(3)).status_code == 200
    assert {narrow_edge.http.get("/v1/problems").status_code for _ in range(3)} == {200}


def test_many_accounts_are_counted_each(narrow_edge: Edge, tokens: TestTokens) -> None:
    """More than the twenty that Envoy remembers unless it is told otherwise."""
    accounts = [tokens.issue(number) for number in range(100, 140)]
    assert {get(narrow_edge, token).status_code for token in accounts} == {200}
    assert {get(narrow_edge, token).status_code for token in accounts} == {429}


@pytest.mark.parametrize(
    ("per_minute", "given_back", "interval"), [(1200, 20, "1s"), (90, 3, "2s"), (7, 7, "60s"), (1, 1, "60s")]
)
def test_requests_are_given_back_as_often_as_whole_ones_can_be(
    per_minute: int, given_back: int, interval: str
) -> None:
    settings = GatewaySettings(
        jwks_file=Path("jwks.json"), cors_origins="*", gateway_account_rate_per_minute=per_minute
    )
    (limit,) = account_rate_limit(settings)["descriptors"]
    bucket = {"max_tokens": per_minute, "tokens_per_fill": given_back, "fill_interval": interval}
    assert limit["token_bucket"] == bucket
