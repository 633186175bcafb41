"""A server on a real socket that answers as a test says, and breaks connections where it says so."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from deploy.local.layout import ROOT


@dataclass(frozen=True)
class Received:
    """A request, and when it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    time: float


@dataclass(frozen=True)
class Answer:
    """An answer; `parts` are the pieces of a stream, which breaks after the last of them unless `ends`."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    parts: Sequence[bytes] = ()
    ends: bool = False


# The request arrives, and the connection breaks before it is answered; or it is never answered.
BREAK, HANG = Answer(status=0), Answer(status=-1)


@cache
def _examples(document: str) -> Any:
    return json.loads((ROOT / "gateway" / "openapi" / "examples" / f"{document}.json").read_text())


def example(document: str, name: str, **changed: Any) -> Any:
    """Returns what the platform answered an example of a description, with some members changed."""
    return {**_examples(document)[name]["answer"], **changed}


class Scripted(ThreadingHTTPServer):
    """Answers requests in their order; the last answer is for all that follow."""

    daemon_threads = True

    def __init__(self, *answers: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = list(answers)
        self.received: list[Received] = []
        self.over = threading.Event()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"

    def next_answer(self) -> Answer:
        """Returns what is answered now."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of clients that went away."""


@contextmanager
def scripted(*answers: Answer) -> Iterator[Scripted]:
    """Runs a server."""
    server = Scripted(*answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = cast("Scripted", self.server)
        length = int(self.headers.get("content-length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        headers = {name.lower(): value for name, value in self.headers.items()}
        server.received.append(Received(self.command, self.path, headers, body, time.monotonic()))
        answer = server.next_answer()
        if answer is HANG:
            server.over.wait()
        if answer in (HANG, BREAK):
            self._break()
        elif answer.parts:
            self._stream(answer)
        else:
            content = b"" if answer.body is None else json.dumps(answer.body).encode()
            self._head(answer, {"content-length": str(len(content)), "content-type": "application/json"})
            self.wfile.write(content)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass

    def _head(self, answer: Answer, headers: Mapping[str, str]) -> None:
        self.send_response(answer.status)
        for name, value in {**headers, **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _stream(self, answer: Answer) -> None:
        self._head(answer, {"transfer-encoding": "chunked"})
        for part in answer.parts:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.flush()
        if answer.ends:
            self.wfile.write(b"0\r\n\r\n")
        else:
            self._break()

    def _break(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)
