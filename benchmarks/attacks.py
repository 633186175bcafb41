"""Hostile, greedy and slow clients of the gateway, bounded in number and time.

Each attack is a coroutine that goes on until it is cancelled and counts what it
was answered. They come from an address of their own, as strangers would:
every address of 127.0.0.0/8 is this machine.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

STRANGERS = "127.0.0.2"
LOG_IN = "/v1/accounts:logIn"
EXPORT = "/v1/me:export"
MINE = "/design/sessions/user/my-sessions"
# Somewhat less than what the routes for large bodies take.
LARGE_BODY = 2_400_000


@dataclass(frozen=True, slots=True)
class Hostages:
    """What the attackers own: access tokens, and a session of the first of them.

    `downloads` are tokens of accounts with much to download.
    """

    tokens: list[str]
    downloads: list[str]
    focus_session: str
    design_session: str
    taken_email: str


@dataclass
class Attack:
    """A gateway under attack, and how the attackers' calls were answered."""

    url: str
    hostages: Hostages
    answers: Counter[str] = field(default_factory=Counter)

    async def connect(self, *, receive_buffer: int = 0) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Opens a connection from the strangers' address."""
        target = urlsplit(self.url)
        plain = socket.socket()
        plain.setblocking(False)
        if receive_buffer:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        plain.bind((STRANGERS, 0))
        await asyncio.get_running_loop().sock_connect(plain, (target.hostname, target.port))
        return await asyncio.open_connection(sock=plain, limit=4096 if receive_buffer else 2**16)

    async def call(self, method: str, path: str, token: str = "", body: bytes = b"") -> str:
        """Sends a whole call and returns the status, `lost` when the connection ended before one."""
        try:
            reader, writer = await self.connect()
            writer.write(head(method, path, token, len(body)) + body)
            await writer.drain()
            async with asyncio.timeout(120):
                line = await reader.readline()
            await reader.read(4096)
            writer.close()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            line = b""
        status = line.split(b" ")[1].decode() if line.count(b" ") >= 1 else "lost"
        self.answers[status] += 1
        return status


def head(method: str, path: str, token: str, length: int) -> bytes:
    """Returns the head of an HTTP/1.1 request for JSON."""
    lines = [f"{method} {path} HTTP/1.1", "Host: practice", "Content-Type: application/json"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if method != "GET":
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def slow_downloads(attack: Attack, number: int = 60) -> None:
    """Asks for large answers and reads nothing of them."""
    wanted = [(path, token) for token in attack.hostages.downloads for path in (MINE, EXPORT)]

    async def download(path: str, token: str) -> None:
        reader, writer = await attack.connect(receive_buffer=4096)
        writer.write(head("GET", path, token, 0))
        line = await reader.readline()
        attack.answers[line.split(b" ")[1].decode() if line else "lost"] += 1
        await hold(writer)

    await together(download(*each) for each in itertools.islice(itertools.cycle(wanted), number))


async def half_sent_bodies(attack: Attack, number: int = 500) -> None:
    """Promises large bodies, sends all but the end of them, and waits; half of the clients have a token."""
    autosave = f"/design/sessions/{attack.hostages.design_session}/autosave"

    async def send(place: int) -> None:
        method, path, token = (
            ("PUT", autosave, attack.hostages.tokens[place % len(attack.hostages.tokens)])
            if place % 2
            else ("POST", LOG_IN, "")
        )
        reader, writer = await attack.connect()
        writer.write(head(method, path, token, LARGE_BODY + 500))
        part = b" " * 65_536
        for _ in range(LARGE_BODY // len(part)):
            writer.write(part)
            await writer.drain()
        line = await reader.readline()
        attack.answers[line.split(b" ")[1].decode() if line else "lost"] += 1
        await hold(writer)

    await together(again(partial(send, place)) for place in range(number))


async def watchers(attack: Attack, number: int = 600) -> None:
    """Watches one idle session again and again, all from one account."""
    path = f"/v1/sessions/{attack.hostages.focus_session}:watch"
    token = attack.hostages.tokens[0]

    async def watch() -> None:
        reader, writer = await attack.connect()
        writer.write(head("GET", path, token, 0))
        line = await reader.readline()
        attack.answers[line.split(b" ")[1].decode() if line else "lost"] += 1
        while await reader.read(4096):
            pass
        writer.close()

    await together(again(watch) for _ in range(number))


async def sign_ups(attack: Attack, number: int = 600) -> None:
    """Signs up as fast as it is answered, every other time for an address that is taken."""

    async def sign_up(place: int) -> None:
        email = attack.hostages.taken_email if place % 2 else f"{uuid.uuid4().hex}@example.com"
        person = {"first_name": "A", "email": email, "password": uuid.uuid4().hex}
        await attack.call("POST", "/v1/accounts:signUp", body=json.dumps(person).encode())

    await together(again(partial(sign_up, place)) for place in range(number))


async def heavy_autosaves(attack: Attack, number: int = 24) -> None:
    """Saves bodies that are costly to read: a quarter of a million members, in the body or in its diagram."""
    path = f"/design/sessions/{attack.hostages.design_session}/autosave"
    token = attack.hostages.tokens[0]
    flat = ("{" + ",".join(f'"{member}":1' for member in range(225_000)) + "}").encode()
    members = ",".join(f'"{member}":1' for member in range(95_000))
    within = ('{"time_spent":1,"diagram_data":{' + members + "}}").encode()

    async def save(body: bytes) -> None:
        await attack.call("PUT", path, token, body)

    bodies = itertools.islice(itertools.cycle((flat, within)), number)
    # A laptop sends no more of these in a second, and it shares the machine with what it attacks.
    await together(again(partial(save, body), pause_seconds=1) for body in bodies)


ATTACKS: dict[str, Callable[[Attack], Coroutine[Any, Any, None]]] = {
    "60 slow downloads": slow_downloads,
    "500 half-sent bodies": half_sent_bodies,
    "600 watchers": watchers,
    "600 sign-ups at once": sign_ups,
    "24 heavy autosaves at once": heavy_autosaves,
}


async def together(clients: Iterable[Awaitable[None]]) -> None:
    """Runs all clients; one that is cut off ends alone."""
    await asyncio.gather(*clients, return_exceptions=True)


async def again(client: Callable[[], Awaitable[None]], pause_seconds: float = 0.25) -> None:
    """Runs a client again whenever it ends, after a pause."""
    while True:
        with suppress(OSError, IndexError, asyncio.IncompleteReadError):
            await client()
        await asyncio.sleep(pause_seconds)


async def hold(writer: asyncio.StreamWriter) -> None:
    """Keeps a connection open and does nothing with it."""
    try:
        await asyncio.Event().wait()
    finally:
        writer.close()
