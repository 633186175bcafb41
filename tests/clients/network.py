"""The way to the gateway, which can go away and lose answers."""

from __future__ import annotations

import contextlib
import socket
import threading
from urllib.parse import urlsplit


class Network:
    """Passes connections on to the gateway. After `go()` they are refused, until `come()`.

    With `loses_answers` a request arrives and is answered, and the connection breaks before the client hears.
    """

    def __init__(self, gateway_url: str) -> None:
        address = urlsplit(gateway_url)
        assert address.hostname is not None
        self._gateway = (address.hostname, address.port)
        self._port = 0
        self._listener: socket.socket | None = None
        self._connections: set[socket.socket] = set()
        self.loses_answers = False
        self.come()

    @property
    def url(self) -> str:
        """Where a client believes the gateway to be."""
        return f"http://127.0.0.1:{self._port}"

    def come(self) -> None:
        """Lets connections through."""
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def go(self) -> None:
        """Breaks every connection and refuses new ones."""
        if self._listener is not None:
            _wake(self._listener)
            self._listener.close()
        for connection in list(self._connections):
            _wake(connection)

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, socket.create_connection(self._gateway) as gateway:
            self._connections |= {client, gateway}
            threading.Thread(target=self._send_requests, args=(client, gateway), daemon=True).start()
            while answer := gateway.recv(65536):
                if self.loses_answers:
                    break
                client.sendall(answer)
            _wake(client)
        self._connections -= {client}

    def _send_requests(self, client: socket.socket, gateway: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while request := client.recv(65536):
                gateway.sendall(request)
            _wake(gateway)


def _wake(connection: socket.socket) -> None:
    """Ends what other threads wait for on a socket."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
