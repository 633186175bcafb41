"""How what only HTTP clients see leaves a service: a product's status and error body, server-sent events.

A product's clients expect that product's status codes and error shapes. The
adapter of the product says what they are; they travel as metadata, and the
gateway puts them on the HTTP response. Events are text that the gateway passes on as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message

from service_kit.call import reached
from service_kit.errors import Fault, FieldsInvalidError, ServiceError
from service_kit.grpc.statuses import code_of
from service_kit.once import Headers

STATUS_KEY = "x-practice-status"
BODY_KEY = "x-practice-body"
USER_SEQ_KEY = "x-practice-user-seq"
# How the message of a good status, which edge.lua reads, names headers whose values have no blanks.
_IN_MESSAGE = {STATUS_KEY: "status", "etag": "etag", USER_SEQ_KEY: "user-seq"}
# Set by the gateway's transcoder.
_HTTP_METHOD_KEY = "x-envoy-original-method"
_HTTP_PATH_KEY = "x-envoy-original-path"


@dataclass(frozen=True, slots=True)
class ProductError:
    """An HTTP status and the JSON body that goes with it."""

    status: int
    body: Mapping[str, Any]


ErrorPresenter = Callable[[ServiceError], ProductError]

_BY_CODE = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.FAILED_PRECONDITION: 409,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNAVAILABLE: 503,
}
# The same for every product.
_BY_REASON = {"IDEMPOTENCY_KEY_REUSED": 422}


def http_status(error: ServiceError, by_reason: Mapping[str, int] | None = None) -> int:
    """Returns the HTTP status of an error: the product's own for its reason, else its category's."""
    statuses = {**_BY_REASON, **(by_reason or {})}
    return statuses.get(error.reason) or _BY_CODE.get(code_of(error), 500)


def message_of(error: ServiceError) -> str:
    """Returns everything that is wrong as one text, for products that show one."""
    return "; ".join(map(str, error.faults)) if isinstance(error, FieldsInvalidError) else error.message


def error_metadata(error: ProductError) -> tuple[tuple[str, str], ...]:
    """Returns the trailing metadata of a product's error. Header values are ASCII."""
    body = json.dumps(error.body, ensure_ascii=True, separators=(",", ":"))
    return ((STATUS_KEY, str(error.status)), (BODY_KEY, body))


async def answer_with_status(context: grpc.aio.ServicerContext[Any, Any], status: int) -> None:
    """Makes the gateway answer a success with `status` instead of 200."""
    await context.send_initial_metadata(((STATUS_KEY, str(status)),))


def status_message(headers: Headers, metadata: Mapping[str, Any]) -> str | None:
    """Returns the status message that tells the gateway these headers; None where they go by themselves.

    gRPC sends headers ahead of the message, which is a write and a wake-up more; its status goes with it.
    Clients of gRPC are not shown the message of a good status, so only what came by the transcoder gets one.
    """
    told = {_IN_MESSAGE.get(name): value for name, value in headers}
    if None in told or len(told) < len(headers) or _HTTP_PATH_KEY not in metadata:
        return None
    return " ".join(f"{name}={value}" for name, value in told.items())


def freshness(metadata: Mapping[str, Any]) -> Headers:
    """Returns the header that tells who changed something by HTTP what to wait for; none for a read."""
    is_read = metadata.get(_HTTP_METHOD_KEY, "GET") == "GET"
    return () if is_read else ((USER_SEQ_KEY, str(reached())),)


# Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).
LAST_EVENT_ID_KEY = "last-event-id"
_EVENTS = "text/event-stream"
# After which a client connects again, in milliseconds: no sooner, so that those of a process that has
# ended do not all come at once.
_RETRY = 2000
_NUMBER = re.compile(r"[0-9]{1,18}")


def events_began() -> HttpBody:
    """Returns what a stream of events begins with: that it has, and when to connect again."""
    return _piece(f"retry: {_RETRY}\n\n")


def to_event(kind: str, number: int, message: Message) -> HttpBody:
    """Returns an event: its number is the id after which a client that comes back goes on."""
    # As the gateway's transcoder writes it, but in ASCII: some clients take more for ends of lines than are.
    data = MessageToJson(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True, indent=None
    )
    return _piece(f"id: {number}\nevent: {kind}\ndata: {data}\n\n")


def still_there() -> HttpBody:
    """Returns a comment, which keeps proxies from taking the stream for dead, and finds out who is gone."""
    return _piece(":\n\n")


def events_ended(reason: str, message: str) -> HttpBody:
    """Returns the last event: why there are no more. A stream without one broke off."""
    data = json.dumps({"reason": reason, "message": message})
    return _piece(f"event: end\ndata: {data}\n\n")


def last_event_id(metadata: Mapping[str, Any]) -> int | None:
    """Returns the number of the last event that a client has seen, None of one that comes for the first time.

    Raises FieldsInvalidError for what was never the id of an event.
    """
    said = str(metadata.get(LAST_EVENT_ID_KEY, ""))
    if not said:
        return None
    if not _NUMBER.fullmatch(said):
        raise FieldsInvalidError([Fault(LAST_EVENT_ID_KEY, "must be the id of an event")])
    return int(said)


def _piece(text: str) -> HttpBody:
    return HttpBody(content_type=_EVENTS, data=text.encode())
