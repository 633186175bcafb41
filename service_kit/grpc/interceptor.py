"""What stands between gRPC and every handler: guards before it, errors after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, NoReturn, TypeAlias, cast

import grpc
from google.protobuf.message import DecodeError, Message

from service_kit.call import Call, enter_call
from service_kit.db.faults import is_erased, is_unavailable, is_unstorable_text
from service_kit.errors import AccountErasedError, InvalidArgumentError, ServiceError, UnavailableError
from service_kit.grpc.call_log import with_call_log
from service_kit.grpc.concurrency import ConcurrencyLimits, Slot, default_limits
from service_kit.grpc.guards import (
    IGNORED_TIME_ZONE_KEY,
    Access,
    Metadata,
    RawReaders,
    validate,
    with_request_identity,
    with_time_zone,
)
from service_kit.grpc.presentation import (
    ErrorPresenter,
    error_metadata,
    events_ended,
    freshness,
    status_message,
    still_there,
)
from service_kit.grpc.saved_responses import HeldContext, respond_once
from service_kit.grpc.statuses import error_to_status
from service_kit.grpc.streams import Asides, Pace, SharedCall, SharedCallEndedError, send
from service_kit.logging import bind, get_logger
from service_kit.once import SavedResponse, SavedResponses
from service_kit.request_ids import current_request_id, enter_request
from service_kit.worker_threads import RunInThread

log = get_logger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]
# Generic for the type checker only.
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Deserializer = Callable[[bytes], object]
Serializer = Callable[[Message], bytes]
Unary = Callable[[Message, Context], Awaitable[Message]]
Stream = Callable[[Message, Context], AsyncGenerator[Message]]
Carrier = Callable[[AsyncIterator[Any], Context], AsyncGenerator[Message]]

# As gRPC had it when it looked for the handler: a context decodes it anew each time it is asked.
_received: ContextVar[Iterable[tuple[str, str | bytes]]] = ContextVar("received")
# Of a method, by its full name, and a call of it.
CallListener = Callable[[str, Call], Awaitable[None]]


class _Unreadable:
    """Stands for a request that protobuf could not read, such as one nested too deep."""


def _tolerant(deserialize: Deserializer | None) -> Deserializer | None:
    """Returns a deserializer that leaves the refusal to the guards.

    gRPC itself would answer INTERNAL, as if the fault were ours.
    """
    if deserialize is None:
        return None

    def read(data: bytes) -> object:
        try:
            return deserialize(data)
        except DecodeError:
            return _Unreadable()

    return read


async def _readable(requests: AsyncIterator[object]) -> AsyncIterator[object]:
    async for request in requests:
        if isinstance(request, _Unreadable):
            raise _unreadable()
        yield request


def _unreadable() -> InvalidArgumentError:
    return InvalidArgumentError("The request could not be read", reason="REQUEST_MALFORMED")


class _Called(NamedTuple):
    """What is asked of a handler: as gRPC has it."""

    method: str
    invocation_metadata: Any


async def _handle(
    inner: Unary, request: Message, context: Context, metadata: Metadata, serialize: Serializer
) -> SavedResponse:
    """Returns the response of a servicer, with the headers that it sent and those that every one has."""
    held = HeldContext(context)
    response = await inner(request, cast(Any, held))
    return SavedResponse(serialize(response), (*held.headers, *freshness(metadata)))


class CallInterceptor(grpc.GenericRpcHandler):
    """Identifies the caller, validates the request, caps the deadline and maps errors.

    It is the one handler that gRPC knows, and has those of the services behind
    it: an interceptor of gRPC's own costs each call a chain of coroutines.
    `presenters` gives the error shape of a product by its gRPC service name;
    `on_admitted` is told of every call that passed the guards, and `on_handled` once more when it is
    done or refused, and not answered yet; of a stream, before it begins. `responses` keeps
    what a repeated request is to get again, and `raw_readers` say which raw
    bodies are the same request, `run_in_thread` the event loop. Callers from outside take a slot of `limits`
    until their response has left; a stream goes on for as long as its token is
    good and its client reads. The methods in `shared` carry the calls of many, each
    of which is served by `serve_shared`: of whoever opens such a stream nothing is asked.
    Whatever else a handler raises is logged once with its request id and
    leaves as a generic INTERNAL: exception text never reaches a client.
    """

    def __init__(
        self,
        access: Access,
        *,
        presenters: Mapping[str, ErrorPresenter] | None = None,
        on_admitted: CallListener | None = None,
        on_handled: CallListener | None = None,
        responses: SavedResponses | None = None,
        raw_readers: RawReaders | None = None,
        run_in_thread: RunInThread = asyncio.to_thread,
        max_deadline_seconds: float = 15.0,
        limits: ConcurrencyLimits | None = None,
        pace: Pace | None = None,
        shared: Collection[str] = (),
        events: Collection[str] = (),
    ) -> None:
        self._access = access
        self._presenters = dict(presenters or {})
        self._on_admitted = on_admitted
        self._on_handled = on_handled
        self._responses = responses
        self._raw_readers = dict(raw_readers or {})
        self._run_in_thread = run_in_thread
        self._max_deadline = max_deadline_seconds
        self._limits = limits or default_limits()
        self._pace = pace or Pace()
        self._shared = frozenset(shared)
        self._events = frozenset(events)
        self._services: list[grpc.GenericRpcHandler] = []
        self._guarded: dict[str, Handler] = {}

    def add(self, services: Iterable[grpc.GenericRpcHandler]) -> None:
        """Takes the handlers of services, whose methods are guarded."""
        self._services += services

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        """Returns the guarded handler of the method that is called, None for one that nobody has."""
        method = handler_call_details.method
        _received.set(cast(Any, handler_call_details).invocation_metadata or ())
        guarded = self._guarded.get(method)
        if guarded is not None:
            return guarded
        found = (each.service(handler_call_details) for each in self._services)
        handler = next((each for each in found if each is not None), None)
        if handler is None:
            return None
        if handler.request_streaming and not self.carries(method):
            # ServiceServer refuses these at the start; one that got past it is not served as a unary call.
            log.error("client_streaming_not_served", method=method)
            return None
        self._guarded[method] = guarded = self._guard(method, handler)
        return guarded

    def carries(self, method: str) -> bool:
        """Tells whether a method's stream carries the calls of many."""
        return method in self._shared

    async def serve_shared(self, method: str, request: Message, call: SharedCall) -> None:
        """Serves one of the calls that a stream carries, by all that holds for its own method."""
        handler = self.service(cast(Any, _Called(method, call.invocation_metadata())))
        assert handler is not None
        await cast(Any, handler.unary_stream)(request, call)

    def _guard(self, method: str, handler: Handler) -> Handler:
        if handler.stream_stream is not None:
            carry = self._guard_carrier(method, cast(Carrier, handler.stream_stream))
            return grpc.stream_stream_rpc_method_handler(
                cast(Any, with_call_log(carry)),
                _tolerant(handler.request_deserializer),
                handler.response_serializer,
            )
        if handler.unary_stream is not None:
            return grpc.unary_stream_rpc_method_handler(
                cast(Any, with_call_log(self._guard_stream(method, cast(Stream, handler.unary_stream)))),
                _tolerant(handler.request_deserializer),
                handler.response_serializer,
            )
        return grpc.unary_unary_rpc_method_handler(
            cast(
                Any,
                with_call_log(
                    self._guard_unary(
                        method,
                        cast(Unary, handler.unary_unary),
                        cast(Serializer, handler.response_serializer),
                    )
                ),
            ),
            _tolerant(handler.request_deserializer),
            # What the guard returns is serialized.
            None,
        )

    def _guard_unary(
        self, method: str, inner: Unary, serialize: Serializer
    ) -> Callable[[Message, Context], Awaitable[bytes]]:
        async def guarded(request: Message, context: Context) -> bytes:
            try:
                remaining = context.time_remaining()
                async with asyncio.timeout(min(remaining or self._max_deadline, self._max_deadline)):
                    metadata = dict(_received.get())
                    call = await self._admit(method, request, context, metadata, Slot())
                    handle = partial(_handle, inner, request, context, metadata, serialize)
                    responses = self._responses
                    try:
                        saved = await (respond_once(responses, call, handle) if responses else handle())
                    except ServiceError:
                        # What it heard may have been undone.
                        enter_call(call)
                        await self._tell_handled(method, call)
                        raise
                    await self._tell_handled(method, call)
                    headers = saved.headers
                    if call.ignored_time_zone:
                        headers += ((IGNORED_TIME_ZONE_KEY, call.ignored_time_zone),)
                    if headers and (message := status_message(headers, metadata)):
                        context.set_details(message)
                    elif headers:
                        await context.send_initial_metadata(headers)
                    return saved.message
            except Exception as error:
                await self._refuse(method, error, context)

        return guarded

    def _guard_stream(self, method: str, inner: Stream) -> Callable[[Message, Context], Awaitable[None]]:
        # The platform's own services wait for readers of theirs.
        pace = replace(self._pace, stall=None) if self._access.is_internal(method) else self._pace
        turns = self._limits.at(method).turns
        asides = Asides(still_there(), self._last_event) if method in self._events else None

        async def guarded(request: Message, context: Context) -> None:
            slot = Slot()
            try:
                metadata = dict(_received.get())
                await self._tell_handled(method, await self._admit(method, request, context, metadata, slot))
                made = inner(request, context)
                async with aclosing(turns.each(made) if turns else made) as responses:
                    await send(responses, context, pace, self._may_listen(method, metadata), asides)
            except Exception as error:
                # What is left to send may wait for its reader as long as there is one.
                slot.release()
                await self._refuse(method, error, context)

        return guarded

    def _guard_carrier(self, method: str, inner: Carrier) -> Callable[[Any, Context], Awaitable[None]]:
        async def guarded(requests: AsyncIterator[Any], context: Context) -> None:
            slot = Slot()
            try:
                enter_request(dict(_received.get()))
                bind(method=method)
                context.add_done_callback(cast(Any, lambda _: slot.release()))
                slot.acquire(self._limits.at(method), 0)
                # Whoever opened it knows then that it is open.
                await context.send_initial_metadata(())
                async with aclosing(inner(_readable(requests), context)) as responses:
                    await send(responses, context, self._pace)
            except Exception as error:
                await self._refuse(method, error, context)

        return guarded

    def _may_listen(self, method: str, metadata: Metadata) -> Callable[[], Awaitable[Call]] | None:
        """Returns what asks again who the caller is, None for the platform's own services."""
        if self._access.is_internal(method):
            return None
        return lambda: self._access.identify(method, metadata)

    async def _admit(
        self, method: str, request: Message, context: Context, metadata: Metadata, slot: Slot
    ) -> Call:
        enter_request(metadata)
        bind(method=method)
        call = await self._access.identify(method, metadata)
        bind(user_id=call.user_id)
        if not self._access.is_internal(method):
            context.add_done_callback(cast(Any, lambda _: slot.release()))
            slot.acquire(self._limits.at(method), call.user_id)
        call = with_time_zone(call, metadata)
        if isinstance(request, _Unreadable):
            raise _unreadable()
        validate(request)
        call = await with_request_identity(
            call, method, request, metadata, raw_readers=self._raw_readers, run_in_thread=self._run_in_thread
        )
        enter_call(call)
        if self._on_admitted is not None:
            await self._on_admitted(method, call)
        return call

    async def _tell_handled(self, method: str, call: Call) -> None:
        if self._on_handled is None:
            return
        try:
            await self._on_handled(method, call)
        except Exception as error:
            # What the call asked for is done or refused, and who asked should hear so.
            log.warning("handled_call_not_told", method=method, error=repr(error))

    async def _refuse(self, method: str, error: Exception, context: Context) -> NoReturn:
        if isinstance(error, grpc.aio.AbortError | SharedCallEndedError):
            raise error
        told = self._understand(error)
        presenter = self._presenters.get(method.split("/")[1])
        extra = error_metadata(presenter(told)) if presenter else ()
        await context.abort_with_status(error_to_status(told, extra))

    def _last_event(self, error: Exception) -> Any:
        told = self._understand(error)
        return events_ended(told.reason, told.message)

    def _understand(self, error: Exception) -> ServiceError:
        """Returns the error to tell the caller, logging the ones they cannot act on."""
        if isinstance(error, ServiceError):
            return error
        if is_unavailable(error):
            log.warning("dependency_unavailable", error=repr(error))
            return UnavailableError("The service is busy or restarting; try again", part="database")
        if is_erased(error):
            return AccountErasedError()
        if is_unstorable_text(error):
            return InvalidArgumentError("Text cannot hold the character U+0000", reason="FIELD_INVALID")
        log.error("unexpected_error", exc_info=error)
        return ServiceError("Something went wrong on our side", request_id=current_request_id())
