"""What is checked before a handler runs: the caller, their zone, the request."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from google.protobuf.message import Message

from service_kit.call import Call, RequestIdentity
from service_kit.errors import (
    FieldsInvalidError,
    InvalidArgumentError,
    PermissionDeniedError,
    TokenEndedError,
    UnauthenticatedError,
    UnavailableError,
)
from service_kit.grpc.channels import INTERNAL_KEY
from service_kit.grpc.violations import faults_of
from service_kit.time_zones import time_zones
from service_kit.tokens import TokenVerifier
from service_kit.worker_threads import RunInThread

IDEMPOTENCY_KEY = "idempotency-key"
TIME_ZONE_KEY = "x-time-zone"
IGNORED_TIME_ZONE_KEY = "x-time-zone-ignored"
MAX_IDEMPOTENCY_KEY = 128
MAX_TIME_ZONE = 64

Metadata = Mapping[str, Any]
# Of a raw body: bytes that are equal for two that ask for the same, and the body as it was read.
RawReader = Callable[[Any], tuple[bytes, Any]]
# By method.
RawReaders = Mapping[str, RawReader]


class Access:
    """Says who may call a method.

    `internal` services answer to the platform's own services, which show a
    shared secret; `public` methods to everyone, knowing those who bring a good
    access token; the rest to the bearer of one. A token that was ended calls
    `repeatable` methods, which answer repeats of what it asked for. Methods are
    full names, such as `/practice.x.v1.X/Get`.
    """

    def __init__(
        self,
        verifier: TokenVerifier,
        internal_token: str,
        *,
        internal: frozenset[str] = frozenset(),
        public: frozenset[str] = frozenset(),
        repeatable: frozenset[str] = frozenset(),
    ) -> None:
        self._verifier = verifier
        self._internal_token = internal_token
        self._internal = internal
        self._public = public
        self._repeatable = repeatable

    def is_internal(self, method: str) -> bool:
        """Tells whether a method is for the platform's own services."""
        return method.split("/")[1] in self._internal

    async def identify(self, method: str, metadata: Metadata) -> Call:
        """Returns the caller. Raises UnauthenticatedError or PermissionDeniedError."""
        if self.is_internal(method):
            shown = str(metadata.get(INTERNAL_KEY, ""))
            if not hmac.compare_digest(shown.encode(), self._internal_token.encode()):
                raise PermissionDeniedError("This method is for the platform's own services")
            return Call()
        try:
            return await self._bearer(method, metadata)
        except (UnauthenticatedError, UnavailableError):
            # What everyone may ask needs no keys, and no better token than none.
            if method in self._public:
                return Call()
            raise

    async def _bearer(self, method: str, metadata: Metadata) -> Call:
        scheme, _, token = str(metadata.get("authorization", "")).partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise UnauthenticatedError("An access token is required")
        identity = await self._verifier.read(token.strip())
        ended = self._verifier.has_ended(identity)
        if ended and method not in self._repeatable:
            raise TokenEndedError
        return Call(
            user_id=identity.user_id,
            email=identity.email,
            signed_up_at=identity.signed_up_at,
            ended=ended,
        )


def with_time_zone(call: Call, metadata: Metadata) -> Call:
    """Returns the call with the zone its client sent.

    What is no zone is no reason to refuse practice: browsers send
    `Etc/Unknown` and `undefined` when they know none. It is ignored, and
    the answer says so.
    """
    zone = str(metadata.get(TIME_ZONE_KEY, "")).strip()
    if not zone:
        return call
    if zone not in time_zones():
        return replace(call, ignored_time_zone=zone[:MAX_TIME_ZONE])
    return replace(call, time_zone=zone)


async def with_request_identity(
    call: Call,
    method: str,
    request: Message,
    metadata: Metadata,
    *,
    raw_readers: RawReaders | None = None,
    run_in_thread: RunInThread = asyncio.to_thread,
) -> Call:
    """Returns the call with its idempotency key, from the request's field or else the header.

    A body that the service reads by itself has a reader among `raw_readers`;
    a large one takes a while, in which other calls need not wait: `run_in_thread`.
    What it has read goes along with the call, for the handler.
    """
    key = str(getattr(request, "request_id", "") or metadata.get(IDEMPOTENCY_KEY, ""))
    if not key:
        return call
    if len(key) > MAX_IDEMPOTENCY_KEY:
        raise InvalidArgumentError(
            f"An idempotency key has at most {MAX_IDEMPOTENCY_KEY} characters",
            reason="FIELD_INVALID",
            field=IDEMPOTENCY_KEY,
        )
    read = (raw_readers or {}).get(method)
    content, body = await run_in_thread(read, request) if read else (_content(request), None)
    return replace(call, request=RequestIdentity(key, method, hashlib.sha256(content).digest(), body))


def _content(request: Message) -> bytes:
    """Returns what a request asks for."""
    bare = type(request)()
    bare.CopyFrom(request)
    if "request_id" in bare.DESCRIPTOR.fields_by_name:
        bare.ClearField("request_id")
    return bare.SerializeToString(deterministic=True)


def validate(request: Message) -> None:
    """Checks a request against the rules in its schema. Raises FieldsInvalidError with all broken ones."""
    faults = faults_of(request)
    if faults:
        raise FieldsInvalidError(faults)
