"""Calls to the services' admin RPCs, which are not at the edge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import grpc

INTERNAL_HEADER = "x-practice-internal"


class CallFailedError(Exception):
    """A service did not do what was asked; the message is one line for a person."""


@contextmanager
def open_admin_channel(service: str, address: str) -> Iterator[grpc.Channel]:
    """Opens a channel to the service at `host:port`. Raises CallFailedError for every failed call."""
    # The service is inside the platform's own network, never behind a proxy for the outside.
    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            yield channel
        except grpc.RpcError as error:
            raise CallFailedError(f"the {service} service at {address}: {reason_of(error)}") from error


def reason_of(error: grpc.RpcError) -> str:
    """Returns the status and the message of a failed call."""
    # What a client call raises is the call itself, which knows its status.
    return f"{error.code().name}: {error.details()}" if isinstance(error, grpc.Call) else str(error)
