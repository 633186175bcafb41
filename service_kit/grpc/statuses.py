"""Maps an error's category to its gRPC status, in one place for every method."""

from __future__ import annotations

from dataclasses import dataclass

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from service_kit import errors

DOMAIN = "practice"
STATUS_DETAILS_KEY = "grpc-status-details-bin"
# The gateway makes these the response's headers.
RETRY_AFTER_KEY = "retry-after"
LIMIT_KEY = "ratelimit"
LIMIT_POLICY_KEY = "ratelimit-policy"
REASON_KEY = "x-practice-reason"

_CODES: dict[type[errors.ServiceError], grpc.StatusCode] = {
    errors.NotFoundError: grpc.StatusCode.NOT_FOUND,
    errors.ConflictError: grpc.StatusCode.ALREADY_EXISTS,
    errors.InvalidArgumentError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.InvalidStateError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.PermissionDeniedError: grpc.StatusCode.PERMISSION_DENIED,
    errors.StaleWriteError: grpc.StatusCode.ABORTED,
    errors.UnauthenticatedError: grpc.StatusCode.UNAUTHENTICATED,
    errors.RateLimitedError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.UnavailableError: grpc.StatusCode.UNAVAILABLE,
}


@dataclass(frozen=True, slots=True)
class Status(grpc.Status):
    """What `context.abort_with_status` takes."""

    code: grpc.StatusCode
    details: str
    trailing_metadata: tuple[tuple[str, str | bytes], ...]


def code_of(error: errors.ServiceError) -> grpc.StatusCode:
    """Returns the status code of an error's category, INTERNAL outside of any."""
    for category in type(error).__mro__:
        if category in _CODES:
            return _CODES[category]
    return grpc.StatusCode.INTERNAL


def error_to_proto(error: errors.ServiceError) -> status_pb2.Status:
    """Returns an error as google.rpc.Status with exactly one ErrorInfo (AIP-193).

    Invalid fields have a BadRequest behind it, which names them all.
    """
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    details = [_packed(info)]
    if isinstance(error, errors.FieldsInvalidError):
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=fault.field, description=fault.words)
            for fault in error.faults
        ]
        details.append(_packed(error_details_pb2.BadRequest(field_violations=violations)))
    number = code_pb2.Code.Value(code_of(error).name)
    return status_pb2.Status(code=number, message=error.message, details=details)


def _packed(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def error_to_status(error: errors.ServiceError, extra: tuple[tuple[str, str], ...] = ()) -> Status:
    """Returns an error as the status that ends an RPC, with `extra` trailing metadata.

    HTTP clients find in headers why, after how many seconds to come back and which limit was reached.
    """
    details = error_to_proto(error).SerializeToString()
    told = ((STATUS_DETAILS_KEY, details), (REASON_KEY, error.reason))
    return Status(code_of(error), error.message, (*told, *_waiting(error), *extra))


def _waiting(error: errors.ServiceError) -> tuple[tuple[str, str], ...]:
    """Returns the headers of an error that time heals (draft-ietf-httpapi-ratelimit-headers-10)."""
    retry_after = error.metadata.get("retry_after")
    wait = ((RETRY_AFTER_KEY, retry_after),) if retry_after else ()
    policy = error.policy if isinstance(error, errors.RateLimitedError) else None
    if policy is None:
        return wait
    name = f'"{policy.name}"'
    window = f";w={policy.window}" if policy.window else ""
    unit = f';qu="{policy.unit}"' if policy.unit else ""
    until = f";t={retry_after}" if retry_after else ""
    limit = ((LIMIT_POLICY_KEY, f"{name};q={policy.quota}{window}{unit}"), (LIMIT_KEY, f"{name};r=0{until}"))
    return (*wait, *limit)
