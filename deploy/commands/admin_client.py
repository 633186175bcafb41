"""Clients of the services' admin RPCs, which are not at the edge."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

import grpc

from deploy.commands.service_settings import internal_token, service_setting
from deploy.faults import CommandError
from service_kit.grpc.targets import target

INTERNAL_HEADER = "x-practice-internal"
# Only a service itself sends this along: the network and gRPC do not.
_DETAILS = "grpc-status-details-bin"
_LARGEST_PAGE = 1000
_NO_ANSWER = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)


class CallFailedError(CommandError):
    """A service did not do what was asked; the message is one line for a person."""

    def __init__(self, message: str, *, not_found: bool = False) -> None:
        super().__init__(message)
        # The service knows for sure that what was asked for does not exist.
        self.not_found = not_found


Request = TypeVar("Request")
Response = TypeVar("Response")
Item = TypeVar("Item")


class AdminClient:
    """Calls admin RPCs of one service. Methods raise CallFailedError in a client that was opened here.

    A subclass says which service, and how many seconds a call may take.
    """

    service: ClassVar[str]
    deadline: ClassVar[float] = 10.0

    def __init__(self, channel: grpc.Channel, internal_token: str) -> None:
        self._metadata = ((INTERNAL_HEADER, internal_token),)

    def _call(
        self,
        method: grpc.UnaryUnaryMultiCallable[Request, Response],
        request: Request,
        *,
        wait_for_ready: bool = False,
    ) -> Response:
        return method(request, timeout=self.deadline, metadata=self._metadata, wait_for_ready=wait_for_ready)

    def _pages(
        self, method: grpc.UnaryUnaryMultiCallable[Request, Response], request: Request, paged: Any = None
    ) -> Iterator[Response]:
        """Yields the pages of a list; `paged` is the part of the request with the page token."""
        wanted: Any = request if paged is None else paged
        while True:
            page: Any = self._call(method, request)
            yield page
            if not page.next_page_token:
                return
            wanted.page_token = page.next_page_token

    def _list(
        self,
        method: grpc.UnaryUnaryMultiCallable[Request, Response],
        request: Request,
        items: Callable[[Response], Sequence[Item]],
        limit: int,
        largest: int = _LARGEST_PAGE,
    ) -> list[Item]:
        """Returns the first items of a list, at most `limit`."""
        wanted: Any = request
        found: list[Item] = []
        wanted.page_size = min(limit, largest)
        for page in self._pages(method, request):
            found += items(page)
            if len(found) >= limit:
                break
            wanted.page_size = min(limit - len(found), largest)
        return found


Client = TypeVar("Client", bound=AdminClient)


@contextmanager
def open_client(kind: type[Client]) -> Iterator[Client]:
    """Opens a client of the service that the environment or the local stack names. Raises CommandError."""
    with connect(kind, service_setting(f"{kind.service.upper()}_ADDRESS"), internal_token()) as client:
        yield client


@contextmanager
def connect(kind: type[Client], address: str, token: str) -> Iterator[Client]:
    """Opens a client of the service at `host:port`. Raises CallFailedError for every failed call."""
    with open_admin_channel(kind.service, address) as channel:
        yield kind(channel, token)


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
