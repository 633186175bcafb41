"""A client cannot say what only the platform may say."""

from __future__ import annotations

import pytest

from tests.gateway.edge import Edge
from tests.gateway.upstream import Call


@pytest.mark.parametrize(
    "header",
    [
        "x-practice-internal",
        "x-practice-status",
        "x-practice-body",
        "x-practice-refused",
        "x-practice-nowhere",
        "x-user-id",
        "x-user",
        "x-account-id",
        "x-auth-request-user",
        "x-authenticated-userid",
        "x-remote-user",
        "remote-user",
        "x-forwarded-user",
        "x-forwarded-email",
        "x-forwarded-client-cert",
        "x-envoy-peer-metadata",
        "x-envoy-retry-on",
        "x-http-method-override",
        "grpc-encoding",
        "grpc-tags-bin",
        "anything-bin",
        "cookie",
        "under_scored",
    ],
)
def test_a_forged_header_does_not_reach_a_service(edge: Edge, calls: list[Call], header: str) -> None:
    assert edge.call("GET", "/v1/sessions/5", headers={header: "forged"}).status_code == 200
    assert header not in calls[0].metadata
    assert "forged" not in [str(value) for value in calls[0].metadata.values()]


def test_a_client_cannot_change_the_deadline(edge: Edge, calls: list[Call]) -> None:
    forged = {"grpc-timeout": "1n", "x-envoy-upstream-rq-timeout-ms": "1"}
    assert edge.call("GET", "/v1/sessions/5", headers=forged).status_code == 200
    assert (calls[0].seconds_left or 0) > 10


def test_a_service_learns_the_true_address_of_its_client(edge: Edge, calls: list[Call]) -> None:
    forged = {"x-forwarded-for": "203.0.113.9", "x-practice-client-address": "203.0.113.9"}
    edge.call("GET", "/v1/sessions/5", headers=forged)
    assert calls[0].metadata["x-practice-client-address"] == "127.0.0.1"
    assert "203.0.113.9" not in str(calls[0].metadata)


def test_behind_a_trusted_proxy_that_address_is_the_one_it_names(
    broken_edge: Edge, calls: list[Call]
) -> None:
    forwarded = {"x-forwarded-for": "198.51.100.1, 203.0.113.9"}
    broken_edge.call("GET", "/v1/sessions/5", headers=forwarded)
    assert calls[0].metadata["x-practice-client-address"] == "203.0.113.9"


def test_what_the_gateway_adds_for_nobody_stays_with_it(edge: Edge, calls: list[Call]) -> None:
    edge.call("GET", "/v1/sessions/5")
    added = {name for name in calls[0].metadata if name.startswith(("x-forwarded-", "x-envoy-"))}
    # The log and what Envoy answers by itself go by the path and the method that were asked for.
    assert added == {"x-envoy-original-path", "x-envoy-original-method"}
