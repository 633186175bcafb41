"""How the canonical API refuses lists: forged page tokens, and bounds."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from service_kit.paging import encode_page_token
from tests.grpc_errors import refusal
from tests.session_service.clients import Learner

Code = grpc.StatusCode


@pytest.mark.parametrize("position", ["5", 2**63, -1, 0, True, 1.5, [1], {"a": 1}], ids=repr)
@pytest.mark.parametrize("method", ["ListSessions", "ListMessages"])
async def test_a_forged_position_in_a_page_token_is_refused(
    learner: Learner, user_id: int, method: str, position: Any
) -> None:
    name = (await learner.start()).name
    if method == "ListSessions":
        fields: dict[str, Any] = {}
        token = encode_page_token(method, [user_id, "", "", [], None, None], position)
    else:
        fields = {"name": name}
        token = encode_page_token(method, [name], position)

    refused_call = await refusal(learner.call(method, page_token=token, **fields))

    assert (refused_call.code, refused_call.reason) == (Code.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")


async def test_a_page_token_serves_its_own_list_and_its_own_user_only(
    learner: Learner, stranger: Learner
) -> None:
    for _ in range(3):
        await learner.start("yoga")
        await stranger.start("yoga")
    page = await learner.call("ListSessions", page_size=1, product="yoga")
    token = page.next_page_token

    assert (
        len((await learner.call("ListSessions", page_size=2, product="yoga", page_token=token)).sessions) == 2
    )
    for who, fields in (
        (stranger, {"product": "yoga"}),
        (learner, {"product": "focus"}),
        (learner, {"product": "yoga", "states": [1]}),
        (learner, {"product": "yoga", "start_time_min": Timestamp(seconds=1)}),
    ):
        refused_call = await refusal(who.call("ListSessions", page_size=1, page_token=token, **fields))
        assert refused_call.reason == "PAGE_TOKEN_INVALID"
    for garbage in ("!", "é", "WzFd", "bnVsbA", token[:-3], token + "AAAA"):
        refused_call = await refusal(learner.call("ListSessions", product="yoga", page_token=garbage))
        assert refused_call.reason == "PAGE_TOKEN_INVALID"


@pytest.mark.parametrize(
    "fields",
    [
        {"page_size": 101},
        {"page_size": -1},
        {"states": [0]},
        {"states": [99]},
        {"start_time_min": Timestamp(seconds=2**62)},
        {"start_time_max": Timestamp(seconds=-(2**62))},
        {"start_time_max": Timestamp(seconds=1, nanos=-7)},
        {"product": "x" * 41},
    ],
)
async def test_a_list_outside_the_bounds_is_refused(learner: Learner, fields: dict[str, Any]) -> None:
    refused_call = await refusal(learner.call("ListSessions", **fields))

    assert (refused_call.code, refused_call.reason) == (Code.INVALID_ARGUMENT, "FIELD_INVALID")
