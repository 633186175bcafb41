"""Many clients at once that behave badly: they send half of what they announced, or read nothing."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator

from tests.gateway.edge import Edge


@contextlib.contextmanager
def crowd(edge: Edge, size: int, request: bytes | Callable[[int], bytes]) -> Iterator[list[socket.socket]]:
    """Opens connections that read nothing, whatever comes, and send a request as far as it is taken."""
    clients: list[socket.socket] = []
    try:
        for number in range(size):
            client = socket.socket()
            clients.append(client)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(5)
            client.connect(("127.0.0.1", edge.settings.gateway_port))
            with contextlib.suppress(OSError):
                client.sendall(request if isinstance(request, bytes) else request(number))
        yield clients
    finally:
        for client in clients:
            client.close()


def request(verb: str, path: str, token: str = "", *, length: int = 0, body: bytes = b"") -> bytes:
    """Returns a request as bytes; `length` is what it says of its body."""
    lines = [f"{verb} {path} HTTP/1.1", "host: edge", "content-type: application/json"]
    lines += [f"authorization: Bearer {token}"] if token else []
    lines += [f"content-length: {length}"] if length else []
    return "\r\n".join([*lines, "", ""]).encode() + body


def has_ended(client: socket.socket, seconds: float) -> bool:
    """Tells whether the gateway ends the connection in time; reads what it says before that."""
    client.settimeout(seconds)
    with contextlib.suppress(ConnectionError):
        while True:
            try:
                if not client.recv(65536):
                    return True
            except TimeoutError:
                return False
    return True
