"""What a good status tells the gateway in place of headers."""

from __future__ import annotations

import pytest

from service_kit.grpc.presentation import STATUS_KEY, USER_SEQ_KEY, status_message
from service_kit.once import Headers

BY_HTTP = {"x-envoy-original-path": "/v1/sessions"}


def test_a_status_and_a_number_go_along_with_the_answer() -> None:
    headers = ((STATUS_KEY, "201"), ("etag", '"a1"'), (USER_SEQ_KEY, "7"))
    assert status_message(headers, BY_HTTP) == 'status=201 etag="a1" user-seq=7'


@pytest.mark.parametrize(
    "headers",
    [
        ((USER_SEQ_KEY, "7"), ("x-time-zone-ignored", "on Mars")),
        (("content-disposition", 'attachment; filename="x"'),),
        ((USER_SEQ_KEY, "7"), (USER_SEQ_KEY, "8")),
    ],
)
def test_other_headers_go_by_themselves_and_none_is_lost(headers: Headers) -> None:
    assert status_message(headers, BY_HTTP) is None


def test_who_calls_by_grpc_gets_headers() -> None:
    assert status_message(((USER_SEQ_KEY, "7"),), {"x-envoy-original-method": "POST"}) is None
