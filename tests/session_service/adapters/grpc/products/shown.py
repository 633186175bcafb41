"""What the gateway makes of a product's answer."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from typing import Any

from google.api.httpbody_pb2 import HttpBody
from google.protobuf.json_format import MessageToDict

from tests.grpc_errors import refusal


async def shown(call: Any) -> tuple[int, Any]:
    """Returns the HTTP status and the JSON of a call that succeeds, as a client sees them."""
    metadata = dict(await call.initial_metadata())
    message = await call
    assert "x-practice-body" not in metadata
    status = int(metadata.get("x-practice-status", 200))
    if isinstance(message, HttpBody):
        return status, json.loads(message.data)
    # As the transcoder prints: names as they are, zeros too, whole doubles bare.
    document = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return status, document


async def refused(call: Awaitable[Any]) -> tuple[int, Any]:
    """Returns the HTTP status and the JSON of a call that is refused, as a client sees them."""
    trailing = (await refusal(call)).trailing
    body = trailing["x-practice-body"]
    assert isinstance(body, str)
    assert body.isascii()
    return int(trailing["x-practice-status"]), json.loads(body)
