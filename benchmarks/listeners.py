"""What live listeners cost, and how soon they hear of an answer.

    python -m benchmarks.listeners [--listeners 2000] [--answers 1500] [--rate 50]

One bridge and one session service, with a PostgreSQL and a Redis of their own; each listener watches a
portal session of somebody else over a WebSocket, as the gateway would pass it on. First everybody listens,
then answers come at a rate to sessions by chance. Memory is what a process has more than before the first
listener. An answer is committed before its caller is told, so a delay is from then: 0 where the
listener was told first.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import jwt
import psutil
import psycopg
import uvloop
from practice.catalog.v1 import catalog_service_pb2 as catalog_pb
from practice.catalog.v1.catalog_service_pb2_grpc import (
    CatalogAdminServiceServicer,
    add_CatalogAdminServiceServicer_to_server,
)
from practice.catalog.v1.exercise_pb2 import AnswerKey
from practice.products.portal.v1 import portal_service_pb2 as pb
from practice.products.portal.v1.portal_service_pb2_grpc import PortalServiceStub
from rich.console import Console
from rich.table import Table
from typing_extensions import override
from websockets.asyncio.client import ClientConnection, connect

from deploy.local.servers import Servers, throwaway_servers
from identity_service import keys
from service_kit.db.migrate import upgrade
from service_kit.tokens import ACCESS_AUDIENCE, ALGORITHM

ROOT = Path(__file__).parents[1]
START_SECONDS = 30.0
SETTLE_SECONDS = 3.0
_WORDS = 100
_SESSIONS = """
    INSERT INTO session.practice_session (
        user_id, product, policy_version, mode, content, state, elapsed_seconds, implausible, started_at,
        active_since, time_zone, rollover_hour, answer_count, correct_answer_count, draft_hash,
        message_count, content_title, content_type, settings, item_count, answered_item_count,
        mastered_item_count, right_run, note, message_bytes, synced, user_seq, version, updated_at
    )
    SELECT n, 'portal', 1, '', 'activities/1', 'active', 0, false, now(), now(), 'UTC', 0, 0, 0, '', 0,
        'Words', 'flashcards', '{}', %(words)s, 0, 0, 0, '', 0, false, 0, 1, now()
    FROM generate_series(1, %(people)s) AS n
    RETURNING user_id, id
"""
_ITEMS = """
    INSERT INTO session.session_item (
        user_id, session_id, position, item, prompt, correct_answer, attempt_count, correct_attempt_count
    )
    SELECT user_id, id, n, 'words/w' || n, 'word', 'answer', 0, 0
    FROM session.practice_session, generate_series(1, %(words)s) AS n
"""


@dataclass
class Measured:
    """Bytes a listener by process, the CPU of each while nothing happens, and the delays, in seconds."""

    listeners: int
    memory: dict[str, float] = field(default_factory=dict)
    idle: dict[str, float] = field(default_factory=dict)
    delays: list[float] = field(default_factory=list)


def free_port() -> int:
    """Returns a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def process(module: str, log: Path, environment: dict[str, str]) -> Iterator[psutil.Process]:
    """A process of the platform that listens where `LISTEN` says, for the duration of a block."""
    with log.open("wb") as output:
        started = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env={**os.environ, "LOG_LEVEL": "WARNING", "CORS_ORIGINS": "*", **environment},
            stdout=output,
            stderr=output,
        )
    try:
        stop = time.monotonic() + START_SECONDS
        host, _, port = environment["LISTEN"].rpartition(":")
        while True:
            try:
                socket.create_connection((host, int(port)), 1).close()
                break
            except OSError:
                assert started.poll() is None, log.read_text()
                assert time.monotonic() < stop, log.read_text()
                time.sleep(0.1)
        yield psutil.Process(started.pid)
    finally:
        started.send_signal(signal.SIGTERM)
        started.wait(60)


@dataclass(frozen=True)
class Platform:
    """Where the processes are, and tokens for their callers."""

    directory: Path
    session: str
    bridge: str
    processes: dict[str, psutil.Process]

    def token(self, user_id: int) -> str:
        """Returns an access token."""
        key = keys.read_signing_key(self.directory / keys.SIGNING_KEY)
        now = int(time.time())
        claims = {"iss": "practice", "aud": ACCESS_AUDIENCE, "sub": str(user_id), "jti": uuid.uuid4().hex}
        more = {"email": f"{user_id}@example.com", "iat": now, "exp": now + 3600}
        headers = {"kid": keys.public_jwk(key.public_key())["kid"]}
        return jwt.encode({**claims, **more}, key, algorithm=ALGORITHM, headers=headers)


class Words(CatalogAdminServiceServicer):
    """A catalog in which every word has the same answer."""

    @override
    def BatchGetAnswerKeys(
        self, request: catalog_pb.BatchGetAnswerKeysRequest, context: grpc.ServicerContext
    ) -> catalog_pb.BatchGetAnswerKeysResponse:
        """Returns the keys."""
        keys = [AnswerKey(item=item, accepted_answers=["answer"]) for item in request.items]
        return catalog_pb.BatchGetAnswerKeysResponse(answer_keys=keys)


@contextmanager
def catalog() -> Iterator[str]:
    """The address of a catalog, for the duration of a block."""
    server = grpc.server(ThreadPoolExecutor(2))
    # Answers ask a catalog for nothing else.
    add_CatalogAdminServiceServicer_to_server(Words(), server)  # type: ignore[abstract]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


@contextmanager
def platform(servers: Servers, listeners: int) -> Iterator[Platform]:
    """One session service and one bridge."""
    session, bridge = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory() as name, catalog() as catalog_address:
        directory = Path(name)
        keys.make_keys(directory)
        (directory / "token").write_text("benchmark")
        common = {"JWKS_URI": (directory / keys.JWKS).as_uri(), "SESSION_ADDRESS": session}
        for_session = {
            **common,
            **{"LISTEN": session, "DATABASE_URL": servers.database_url, "REDIS_URL": servers.redis_url},
            **{"CATALOG_ADDRESS": catalog_address, "STATS_ADDRESS": "127.0.0.1:1"},
            **{"IDENTITY_ADDRESS": "", "INTERNAL_TOKEN_FILE": str(directory / "token")},
        }
        for_bridge = {**common, "LISTEN": bridge, "BRIDGE_MAX_CONNECTIONS_PER_ADDRESS": str(listeners)}
        with (
            process("session_service.main", directory / "session.log", for_session) as session_process,
            process("gateway.bridge", directory / "bridge.log", for_bridge) as bridge_process,
        ):
            processes = {"session service": session_process, "bridge": bridge_process}
            yield Platform(directory, session, bridge, processes)


def make_sessions(url: str, people: int) -> list[tuple[int, int]]:
    """Makes a session of each of some people; returns whose, and which."""
    values = {"people": people, "words": _WORDS}
    with psycopg.connect(url, autocommit=True) as connection:
        made = connection.execute(_SESSIONS, values).fetchall()
        connection.execute(_ITEMS, values)
        connection.execute("VACUUM ANALYZE session.practice_session, session.session_item")
    return [(user_id, session_id) for user_id, session_id in made]


@asynccontextmanager
async def listening(
    at: Platform, sessions: list[tuple[int, int]], heard: dict[tuple[int, int], float]
) -> AsyncIterator[None]:
    """Everybody listens for the duration of a block; notes when who heard of which answer."""
    gate = asyncio.Semaphore(20)

    async def open_one(user_id: int, session_id: int) -> ClientConnection:
        async with gate:
            return await connect(
                f"ws://{at.bridge}/portal/ws/sessions/{session_id}",
                additional_headers={"Authorization": f"Bearer {at.token(user_id)}"},
                proxy=None,
                compression=None,
                open_timeout=60,
                ping_interval=None,
            )

    async def listen(session_id: int, websocket: ClientConnection) -> None:
        async for message in websocket:
            event = json.loads(message)
            if event["type"] == "progress_update":
                heard[session_id, event["data"]["completed"]] = time.perf_counter()

    websockets = await asyncio.gather(*(open_one(*each) for each in sessions))
    tasks = [
        asyncio.create_task(listen(session_id, websocket))
        for (_, session_id), websocket in zip(sessions, websockets, strict=True)
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *(websocket.close() for websocket in websockets), return_exceptions=True)


async def answer_at_a_rate(
    at: Platform, sessions: list[tuple[int, int]], answers: int, rate: float
) -> dict[tuple[int, int], float]:
    """Answers a word of sessions by chance; returns when the caller was told of which answer."""
    told: dict[tuple[int, int], float] = {}
    counts = {session_id: 0 for _, session_id in sessions}
    async with grpc.aio.insecure_channel(at.session) as channel:
        portal = PortalServiceStub(channel)

        async def answer(user_id: int, session_id: int) -> None:
            counts[session_id] += 1
            number = counts[session_id]
            request = pb.UpdateProgressRequest(
                session_id=str(session_id), item_id=f"w{number}", answer="answer", time_taken=1
            )
            bearer = (("authorization", f"Bearer {at.token(user_id)}"),)
            await portal.UpdateProgress(request, metadata=bearer)
            told[session_id, number] = time.perf_counter()

        tasks = []
        began = time.perf_counter()
        chosen = random.Random(1).choices(sessions, k=answers)
        for place, each in enumerate(chosen):
            await asyncio.sleep(max(0.0, began + place / rate - time.perf_counter()))
            tasks.append(asyncio.create_task(answer(*each)))
        await asyncio.gather(*tasks)
    return told


async def measure(at: Platform, sessions: list[tuple[int, int]], answers: int, rate: float) -> Measured:
    """Returns what was measured."""
    measured = Measured(len(sessions))
    heard: dict[tuple[int, int], float] = {}
    # What the first listener makes both load is not what a listener costs.
    async with listening(at, sessions[:1], heard):
        await asyncio.sleep(SETTLE_SECONDS)
    before = {name: each.memory_info().rss for name, each in at.processes.items()}
    async with listening(at, sessions, heard):
        await asyncio.sleep(SETTLE_SECONDS)
        for name, each in at.processes.items():
            measured.memory[name] = (each.memory_info().rss - before[name]) / len(sessions)
        used = {name: sum(each.cpu_times()[:2]) for name, each in at.processes.items()}
        await asyncio.sleep(SETTLE_SECONDS)
        for name, each in at.processes.items():
            measured.idle[name] = (sum(each.cpu_times()[:2]) - used[name]) / SETTLE_SECONDS
        told = await answer_at_a_rate(at, sessions, answers, rate)
        await asyncio.sleep(SETTLE_SECONDS)
    missing = told.keys() - heard.keys()
    assert not missing, f"{len(missing)} answers were not heard of"
    measured.delays = sorted(max(0.0, heard[key] - told[key]) for key in told)
    return measured


def report(measured: Measured) -> Table:
    """Returns what was measured."""
    table = Table(box=None, pad_edge=False)
    for column in ("process", "KB a listener", "CPU while nothing happens"):
        table.add_column(column, justify="left" if column == "process" else "right", no_wrap=True)
    for name, each in measured.memory.items():
        table.add_row(name, f"{each / 1000:.1f}", f"{measured.idle[name]:.1%}")
    return table


def main() -> None:
    """Measures and reports."""
    parser = argparse.ArgumentParser(description="What live listeners cost, and how soon they hear.")
    parser.add_argument("--listeners", type=int, default=2_000)
    parser.add_argument("--answers", type=int, default=1_500)
    parser.add_argument("--rate", type=float, default=50.0)
    arguments = parser.parse_args()
    with throwaway_servers() as servers:
        upgrade("session_service", servers.database_url)
        sessions = make_sessions(servers.database_url, arguments.listeners)
        with platform(servers, arguments.listeners) as at:
            measured = uvloop.run(measure(at, sessions, arguments.answers, arguments.rate))
    Console(width=120).print(report(measured))
    delays = measured.delays
    for name, share in (("median", 0.5), ("p99", 0.99), ("most", 1.0)):
        place = min(len(delays) - 1, int(share * len(delays)))
        print(f"{name} from the commit to the listener: {delays[place] * 1000:.1f} ms")


if __name__ == "__main__":
    main()
