"""A small service behind the kit's interceptor, doing whatever a test tells it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import grpc
import pytest
from practice.catalog.v1 import catalog_service_pb2 as pb
from practice.catalog.v1 import exercise_pb2

from service_kit.grpc.concurrency import ConcurrencyLimits
from service_kit.grpc.guards import Access
from service_kit.grpc.interceptor import CallInterceptor
from service_kit.grpc.presentation import ErrorPresenter
from service_kit.grpc.server import build_server, start_server
from service_kit.once import SavedResponses
from service_kit.tokens import TokenVerifier
from tests.tokens import ISSUER, TestTokens

SERVICE = "kit.test.v1.ItemService"
PUBLIC_SERVICE = "kit.test.v1.PublicService"
ADMIN_SERVICE = "kit.test.v1.ItemAdminService"

Behaviour = Callable[[pb.GetExerciseRequest], Awaitable[exercise_pb2.Exercise]]
Get = Callable[..., Coroutine[Any, Any, exercise_pb2.Exercise]]
Serve = Callable[..., AbstractAsyncContextManager[Get]]


@pytest.fixture
def access(tokens: TestTokens, internal_token: str) -> Access:
    return Access(
        TokenVerifier(tokens.jwks_uri, ISSUER),
        internal_token,
        internal=frozenset({ADMIN_SERVICE}),
        public=frozenset({f"/{PUBLIC_SERVICE}/Get", f"/{PUBLIC_SERVICE}/Watch"}),
    )


@pytest.fixture
def serve(access: Access) -> Serve:
    """Serves one behaviour as Get (unary) and Watch (a stream of one) of three services.

    Yields a function that calls it; by default it calls the public service.
    """

    @asynccontextmanager
    async def serve(
        behaviour: Behaviour,
        presenters: Mapping[str, ErrorPresenter] | None = None,
        max_deadline_seconds: float = 15,
        grace_seconds: float = 0,
        responses: SavedResponses | None = None,
        limits: ConcurrencyLimits | None = None,
    ) -> AsyncIterator[Get]:
        interceptor = CallInterceptor(
            access,
            presenters=presenters,
            max_deadline_seconds=max_deadline_seconds,
            responses=responses,
            limits=limits,
        )
        server = build_server(interceptor)
        running = await start_server(server, "127.0.0.1:0", [lambda server: _register(server, behaviour)])
        async with grpc.aio.insecure_channel(f"127.0.0.1:{running.port}") as channel:
            yield _caller(channel)
            await running.stop(grace_seconds, drain_seconds=0)
            # The answers of finished calls may still be on their way to the client.
            await channel.close(grace=1)

    return serve


def _register(server: grpc.aio.Server, behaviour: Behaviour) -> None:
    async def get(request: pb.GetExerciseRequest, context: Any) -> exercise_pb2.Exercise:
        response = await behaviour(request)
        await context.send_initial_metadata((("etag", f'"{response.name}"'),))
        return response

    async def watch(request: pb.GetExerciseRequest, context: object) -> AsyncIterator[exercise_pb2.Exercise]:
        yield await behaviour(request)

    codec: dict[str, Any] = {
        "request_deserializer": pb.GetExerciseRequest.FromString,
        "response_serializer": exercise_pb2.Exercise.SerializeToString,
    }
    handlers: Any = {
        "Get": grpc.unary_unary_rpc_method_handler(get, **codec),
        "Watch": grpc.unary_stream_rpc_method_handler(watch, **codec),
    }
    server.add_generic_rpc_handlers(
        tuple(
            grpc.method_handlers_generic_handler(service, handlers)
            for service in (SERVICE, PUBLIC_SERVICE, ADMIN_SERVICE)
        )
    )


def _caller(channel: grpc.aio.Channel) -> Get:
    async def call(
        metadata: tuple[tuple[str, str], ...] = (),
        *,
        service: str = PUBLIC_SERVICE,
        name: str = "exercises/1",
        stream: bool = False,
        headers: dict[str, str] | None = None,
    ) -> exercise_pb2.Exercise:
        request = pb.GetExerciseRequest(name=name)
        codec: dict[str, Any] = {
            "request_serializer": pb.GetExerciseRequest.SerializeToString,
            "response_deserializer": exercise_pb2.Exercise.FromString,
        }
        if stream:
            watch: Any = channel.unary_stream(f"/{service}/Watch", **codec)
            responses: list[exercise_pb2.Exercise] = [
                item async for item in watch(request, metadata=metadata)
            ]
            return responses[0]
        get: Any = channel.unary_unary(f"/{service}/Get", **codec)
        answering = get(request, metadata=metadata)
        response: exercise_pb2.Exercise = await answering
        if headers is not None:
            headers |= dict(await answering.initial_metadata())
        return response

    return call
