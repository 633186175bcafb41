"""Calls to the services' admin RPCs, which are not at the edge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import grpc

from deploy.faults import CommandError
from service_kit.grpc.targets import target

INTERNAL_HEADER = "x-practice-internal"
# Only a service itself sends this along: the network and gRPC do not.
_DETAILS = "grpc-status-details-bin"
_NO_ANSWER = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)


class CallFailedError(CommandError):
    """A service did not do what was asked; the message is one line for a person."""

    def __init__(self, message: str, *, not_found: bool = False) -> None:
        super().__init__(message)
        # The service knows for sure that what was asked for does not exist.
        self.not_found = not_found


@contextmanager
def open_admin_channel(service: str, address: str) -> Iterator[grpc.Channel]:
    """Opens a channel to the service at `host:port`. Raises CallFailedError for every failed call."""
    try:
        where = target(address)
    except ValueError as error:
        raise CallFailedError(f"{service.upper()}_ADDRESS: {error}") from error
    # The service is inside the platform's own network, never behind a proxy for the outside.
    with grpc.insecure_channel(where, options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            yield channel
        except grpc.RpcError as error:
            unknown = isinstance(error, grpc.Call) and error.code() is grpc.StatusCode.NOT_FOUND
            told = f"the {service} service at {address} {reason_of(error)}"
            raise CallFailedError(told, not_found=unknown) from error


def reason_of(error: grpc.RpcError) -> str:
    """Returns what became of a call, in words: `refuses: There is no such account`."""
    # What a client call raises is the call itself, which knows its status.
    if not isinstance(error, grpc.Call):
        return f"failed: {error}"
    code = error.code()
    if any(key == _DETAILS for key, _ in error.trailing_metadata() or ()):
        return f"refuses: {error.details()}{_mend(code)}"
    if code in _NO_ANSWER:
        return "does not answer: `practice status` shows what runs"
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return "does not know this: it runs another version"
    failed = code in (grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL)
    return f"{'failed' if failed else 'refuses'}: {error.details()}{_mend(code)}"


def _mend(code: grpc.StatusCode) -> str:
    denied = code is grpc.StatusCode.PERMISSION_DENIED
    return " (INTERNAL_TOKEN_FILE has to hold the same secret as the service's)" if denied else ""
