"""Logs a line for each call: method, status, duration, and for whom."""

from __future__ import annotations

import time
from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from service_kit.logging import get_logger

log = get_logger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]
T = TypeVar("T")
# Of a unary call or of a stream, which ends when it has sent everything.
Handle = Callable[[Message, Context], Awaitable[T]]


def with_call_log(inner: Handle[T]) -> Handle[T]:
    """Returns the handler with its line. Request id, method and user are bound while it runs."""

    async def handle(request: Message, context: Context) -> T:
        started, status = time.perf_counter(), grpc.StatusCode.OK
        try:
            return await inner(request, context)
        except BaseException as error:
            status = _status(error, context)
            raise
        finally:
            _log_call(status, started)

    return handle


def _status(error: BaseException, context: Context) -> grpc.StatusCode:
    if isinstance(error, CancelledError):
        return grpc.StatusCode.CANCELLED
    code = context.code()
    # Older and newer gRPC give the number or the member.
    known = (each for each in grpc.StatusCode if code in (each, each.value[0]))
    return next(known, grpc.StatusCode.UNKNOWN)


def _log_call(status: grpc.StatusCode, started: float) -> None:
    log.info("call", status=status.name, milliseconds=round((time.perf_counter() - started) * 1_000, 1))
