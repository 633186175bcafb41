"""The services behind the gateway under test: real gRPC servers with made-up answers.

A request's `x-scenario` header says how a method is to behave; without it
the method answers as ANSWERS says, or with an empty message.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc
from google.api import httpbody_pb2
from google.protobuf import any_pb2, message_factory, struct_pb2
from google.protobuf.message import Message
from google.rpc import status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from practice.catalog.v1 import catalog_service_pb2, problem_service_pb2
from practice.identity.v1 import account_admin_service_pb2, identity_service_pb2, privacy_service_pb2
from practice.products.design.v1 import (
    design_problems_service_pb2,
    design_sessions_service_pb2,
    design_users_service_pb2,
)
from practice.products.exercises.v1 import exercises_service_pb2
from practice.products.focus.v1 import focus_service_pb2
from practice.products.portal.v1 import portal_service_pb2
from practice.products.yoga.v1 import yoga_service_pb2
from practice.session.v1 import outbox_admin_service_pb2, practice_session_pb2, session_service_pb2
from practice.stats.v1 import explanation_service_pb2, recalculation_service_pb2, stats_service_pb2

from service_kit.errors import Fault, FieldsInvalidError, NotFoundError
from service_kit.grpc.presentation import (
    STATUS_KEY,
    USER_SEQ_KEY,
    ProductError,
    answer_with_status,
    error_metadata,
    events_began,
    events_ended,
    status_message,
    to_event,
)
from service_kit.grpc.server import WRITES
from service_kit.grpc.statuses import error_to_status
from tests.gateway.bridge.portal import FakePortal, serving_portal
from tests.waiting import PATIENCE_SECONDS

Context = grpc.aio.ServicerContext[Any, Any]
Metadata = dict[str, str | bytes]
JWKS = b'{"keys": [ ]}\n'
CONFLICT = ProductError(409, {"success": False, "message": "Ya hay una sesión 🧘", "data": None})


@dataclass(frozen=True)
class Call:
    """A call as it arrived at a server."""

    server: str
    method: str
    request: Any
    metadata: Metadata
    seconds_left: float | None


async def created(context: Context) -> None:
    await answer_with_status(context, 201)


async def no_content(context: Context) -> None:
    await answer_with_status(context, 204)


async def unprocessable(context: Context) -> None:
    detail = [{"loc": ["body", "rating"], "msg": "out of range", "type": "value_error"}]
    metadata = error_metadata(ProductError(422, {"detail": detail}))
    await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "rating", metadata)


async def conflict(context: Context) -> None:
    await context.abort(grpc.StatusCode.ALREADY_EXISTS, "open", error_metadata(CONFLICT))


async def conflict_after_headers(context: Context) -> None:
    """The error's metadata is in real trailers, not in headers that end the stream."""
    await context.send_initial_metadata((("x-first", "1"),))
    trailing = (*error_metadata(CONFLICT), ("retry-after", "7"))
    await context.abort(grpc.StatusCode.ALREADY_EXISTS, "open", trailing)


async def precondition_failed(context: Context) -> None:
    metadata = (*error_metadata(ProductError(412, {"detail": "Saved elsewhere since"})), ("etag", '"newer"'))
    await context.abort(grpc.StatusCode.ABORTED, "stale", metadata)


async def too_large(context: Context) -> None:
    metadata = error_metadata(ProductError(413, {"detail": "The diagram is above 1 MiB"}))
    await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "size", metadata)


async def unauthenticated(context: Context) -> None:
    metadata = error_metadata(ProductError(401, {"detail": "Invalid credentials"}))
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, "no", metadata)


async def with_etag(context: Context) -> None:
    await context.send_initial_metadata((("etag", '"a1b2"'),))


def changed(status: int) -> Callable[[Context], Awaitable[None]]:
    """A change that tells how far the caller's events are, as the interceptor of a service ends it."""

    async def end(context: Context) -> None:
        headers = ((STATUS_KEY, str(status)), ("etag", '"a1=="'), (USER_SEQ_KEY, "12"))
        context.set_details(status_message(headers, {"x-envoy-original-path": "/"}) or "")

    return end


async def not_found(context: Context) -> None:
    error = NotFoundError("No such session", reason="SESSION_NOT_FOUND", session="sessions/5")
    await context.abort_with_status(error_to_status(error))


async def not_found_as_a_product(context: Context) -> None:
    """As the interceptor of a service ends a call: with what every client knows and the product's own."""
    error = NotFoundError("No such session", reason="SESSION_NOT_FOUND", session="sessions/5")
    shown = error_metadata(ProductError(404, {"detail": "Session not found"}))
    await context.abort_with_status(error_to_status(error, shown))


async def not_found_after_headers(context: Context) -> None:
    await context.send_initial_metadata((("x-first", "1"),))
    await not_found_as_a_product(context)


async def unknown_detail(context: Context) -> None:
    detail = any_pb2.Any(type_url="type.googleapis.com/nobody.knows.This", value=b"x")
    status = status_pb2.Status(code=5, message="gone", details=[detail])
    trailing = (("grpc-status-details-bin", status.SerializeToString()),)
    await context.abort(grpc.StatusCode.NOT_FOUND, "gone", trailing)


# What a pattern could take for the end of a message, or for a capture.
ODD_WORDS = 'is ","details":[{"}]} %1 \\ \n\t<é>'


async def invalid(context: Context) -> None:
    error = FieldsInvalidError([Fault("a", ODD_WORDS, "x"), Fault("b", "is required", "required")])
    await context.abort_with_status(error_to_status(error))


async def failed_precondition(context: Context) -> None:
    await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "ended")


async def aborted(context: Context) -> None:
    await context.abort(grpc.StatusCode.ABORTED, "stale")


async def exhausted(context: Context) -> None:
    """What a gRPC server says by itself, before any of our code, above its limit of calls."""
    await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "Concurrent RPC limit exceeded!")


async def crash(context: Context) -> None:
    raise RuntimeError("secret detail")


async def silence(context: Context) -> None:
    await asyncio.Event().wait()


async def silence_after_headers(context: Context) -> None:
    await context.send_initial_metadata((("x-first", "1"), ("x-practice-status", "201")))
    await asyncio.Event().wait()


SCENARIOS: dict[str, Callable[[Context], Awaitable[None]]] = {
    scenario.__name__: scenario
    for scenario in (
        *(created, no_content, unprocessable, conflict, conflict_after_headers, not_found, unknown_detail),
        *(
            not_found_as_a_product,
            not_found_after_headers,
            precondition_failed,
            too_large,
            unauthenticated,
            with_etag,
        ),
        *(invalid, failed_precondition, aborted, exhausted, crash, silence, silence_after_headers),
    )
} | {f"changed_{status}": changed(status) for status in (200, 201, 204)}


async def start_focus_session(request: Any) -> Message:
    session = focus_service_pb2.Session(id=7, user_id=42, duration_seconds=request.duration_seconds)
    session.ended_at.null_value = struct_pb2.NULL_VALUE
    return focus_service_pb2.SessionResponse(success=True, message="started", data=session)


async def no_active_session(request: Any) -> Message:
    response = focus_service_pb2.NullableSessionResponse(success=True)
    response.data.null_value = struct_pb2.NULL_VALUE
    return response


async def a_session(request: Any) -> Message:
    return practice_session_pb2.PracticeSession(name=request.name, user_id=42)


async def a_draft_that_grows_as_json(request: Any) -> Message:
    return practice_session_pb2.Draft(content="<" * 1024 * 1024)


async def the_keys(request: Any) -> Any:
    return httpbody_pb2.HttpBody(content_type="application/jwk-set+json", data=JWKS)


def json_body(data: bytes) -> Any:
    return httpbody_pb2.HttpBody(content_type="application/json", data=data)


async def the_same_body(request: Any) -> Any:
    return json_body(request.body.data)


async def the_form(request: Any) -> Any:
    return design_users_service_pb2.LogInResponse(access_token=request.form.data.decode(), expires_in=86400)


async def nothing_at_all(request: Any) -> Any:
    return json_body(b"null")


DESIGN = "practice.products.design.v1"
# A list at the top, larger in all than one message may be.
PIECES = [b'[{"id":"a","ended_at":null,"text":"' + b"x" * 3_000_000 + b'"}', *[b',\n {"id":"b"}'] * 2, b"]"]
ANSWERS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "practice.products.focus.v1.FocusService.StartSession": start_focus_session,
    "practice.products.focus.v1.FocusService.GetActiveSession": no_active_session,
    "practice.session.v1.SessionService.GetSession": a_session,
    "practice.session.v1.SessionService.GetDraft": a_draft_that_grows_as_json,
    "practice.identity.v1.IdentityService.GetJwks": the_keys,
    f"{DESIGN}.DesignUsersService.LogIn": the_form,
    f"{DESIGN}.DesignSessionsService.AutosaveSession": the_same_body,
    f"{DESIGN}.DesignSessionsService.GetActiveSession": nothing_at_all,
}

SERVERS: dict[str, tuple[Any, ...]] = {
    "identity": (identity_service_pb2, "IdentityService"),
    "identity/accounts": (account_admin_service_pb2, "AccountAdminService"),
    "identity/privacy": (privacy_service_pb2, "PrivacyService", "PrivacyAdminService"),
    "identity/design": (design_users_service_pb2, "DesignUsersService"),
    "catalog": (catalog_service_pb2, "CatalogService", "CatalogAdminService"),
    "catalog/problems": (problem_service_pb2, "ProblemService"),
    "catalog/design": (design_problems_service_pb2, "DesignProblemsService"),
    "session": (session_service_pb2, "SessionService", "SessionExportService"),
    "session/outbox": (outbox_admin_service_pb2, "OutboxAdminService"),
    "session/exercises": (exercises_service_pb2, "ExercisesService"),
    "session/focus": (focus_service_pb2, "FocusService"),
    "session/portal": (portal_service_pb2, "PortalService"),
    "session/yoga": (yoga_service_pb2, "YogaService"),
    "session/design": (design_sessions_service_pb2, "DesignSessionsService"),
    "stats": (stats_service_pb2, "StatsService", "StatsAdminService"),
    "stats/explanation": (explanation_service_pb2, "ExplanationAdminService"),
    "stats/recalculation": (recalculation_service_pb2, "RecalculationAdminService"),
    "stats/focus": (focus_service_pb2, "FocusProgressService"),
}


class Methods(grpc.GenericRpcHandler):
    """Every method of one server's services. Notes each call, then plays its scenario."""

    def __init__(self, upstream: Upstream, server: str) -> None:
        self._upstream = upstream
        self._server = server
        self._methods = {
            f"/{service.full_name}/{method.name}": method
            for name, (module, *services) in SERVERS.items()
            if name.partition("/")[0] == server
            for service in (module.DESCRIPTOR.services_by_name[each] for each in services)
            for method in service.methods
        }

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        method = self._methods.get(details.method)
        if method is None:
            return None
        request_class = message_factory.GetMessageClass(method.input_type)
        metadata = dict(details.invocation_metadata or ())

        async def answer(request: Message, context: Context) -> Message:
            await self._begin(method.full_name, request, metadata, context)
            empty = message_factory.GetMessageClass(method.output_type)()
            given = ANSWERS.get(method.full_name)
            return await given(request) if given is not None else empty

        async def changes(request: Message, context: Context) -> AsyncIterator[Message]:
            await self._begin(method.full_name, request, metadata, context)
            if method.name.endswith("AsEvents"):
                yield events_began()
                yield to_event("answered", 1, change(1))
                await self._upstream.first_change_was_read.wait()
                yield to_event("ended", 2, change(2))
                yield events_ended("SESSION_ENDED", "The session is over")
                return
            if method.output_type is httpbody_pb2.HttpBody.DESCRIPTOR:
                for piece in PIECES:
                    yield httpbody_pb2.HttpBody(content_type="application/json; charset=utf-8", data=piece)
                return
            if metadata.get("x-scenario") == "nothing_happens":
                await context.send_initial_metadata(())
                await asyncio.Event().wait()
            yield change(1)
            await self._upstream.first_change_was_read.wait()
            yield change(2)

        coding = (request_class.FromString, lambda message: message.SerializeToString())
        if method.server_streaming:
            return grpc.unary_stream_rpc_method_handler(changes, *coding)
        return grpc.unary_unary_rpc_method_handler(answer, *coding)

    async def _begin(self, method: str, request: Any, metadata: Metadata, context: Context) -> None:
        left = context.time_remaining()
        self._upstream.calls.append(Call(self._server, method, request, metadata, left))
        scenario = SCENARIOS.get(str(metadata.get("x-scenario")))
        if scenario is not None:
            await scenario(context)


def change(cursor: int) -> Message:
    return practice_session_pb2.SessionChange(cursor=cursor)


class Upstream:
    """The four servers, each on a port of its own, in a thread with its own event loop.

    Beside them, at `portal_address`, what the session service shows the bridge.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.addresses: dict[str, str] = {}
        self._health: dict[str, health.aio.HealthServicer] = {}
        self._ready = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),), daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(PATIENCE_SECONDS)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(PATIENCE_SECONDS)

    def tell_that_the_first_change_was_read(self) -> None:
        self._loop.call_soon_threadsafe(self.first_change_was_read.set)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self.first_change_was_read = asyncio.Event()
        servers = [await self._start(name) for name in ("identity", "catalog", "session", "stats")]
        self.portal = FakePortal()
        async with serving_portal(self.portal) as self.portal_address:
            self._ready.set()
            await self._stopping.wait()
        for server in servers:
            await server.stop(0)

    def take_writes(self, name: str, possible: bool) -> None:
        """Has a server say whether it can make changes."""
        states = health_pb2.HealthCheckResponse
        told = self._health[name].set(WRITES, states.SERVING if possible else states.NOT_SERVING)
        asyncio.run_coroutine_threadsafe(told, self._loop).result()

    async def _start(self, name: str) -> grpc.aio.Server:
        # As the services have it: by default a gRPC server refuses calls at random from 8 KiB of metadata.
        server = grpc.aio.server(options=[("grpc.max_metadata_size", 16 * 1024)])
        server.add_generic_rpc_handlers((Methods(self, name),))
        status = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(status, server)
        for part in ("", WRITES):
            await status.set(part, health_pb2.HealthCheckResponse.SERVING)
        self._health[name] = status
        self.addresses[name] = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        await server.start()
        return server
