"""Reads what a refused call tells its client."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status


class Refusal:
    """The status, message and only ErrorInfo of a refused call, and the faults of its fields."""

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        # Raises when the status in the details is another than the call's own.
        status = rpc_status.from_call(error)
        assert status is not None, error
        info, faults = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        assert status.details[0].Unpack(info)
        assert all(detail.Unpack(faults) for detail in status.details[1:])
        assert len(status.details) <= 2
        self.faults = {each.field: each.description for each in faults.field_violations}
        assert info.domain == "practice"
        self.code = error.code()
        self.message = str(error.details())
        self.reason: str = info.reason
        self.metadata: dict[str, str] = dict(info.metadata)
        self.trailing: dict[str, str | bytes] = dict(error.trailing_metadata() or ())
        # Clients of products read it in a header.
        assert self.trailing["x-practice-reason"] == info.reason


async def refusal(call: Awaitable[Any]) -> Refusal:
    """Awaits a call that must fail and returns how it did."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    return Refusal(raised.value)


async def outcome(call: Awaitable[Any]) -> Any:
    """Awaits a call and returns its response, or its Refusal."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        return Refusal(error)
