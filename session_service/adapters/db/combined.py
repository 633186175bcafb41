"""What combined calls have in common: statements of many rows, given to the driver itself.

They are most of what the service does. Each is a transaction by itself, so
nothing is locked between the one that reads and the one that writes. What a
process has just written it need not read again: the write says whether it is
still so.
"""

from __future__ import annotations

import asyncio
import json
import select
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from cachetools import TTLCache
from sqlalchemy import make_url

from service_kit.call import RequestIdentity
from service_kit.db.engines import (
    CONNECT_SECONDS,
    HOME_SECONDS,
    POOL_WAIT_SECONDS,
    SERVER_SETTINGS,
    asyncpg_socket,
)
from service_kit.db.idempotency import outcome_to_text
from service_kit.logging import get_logger
from session_service.adapters.db.policies import policy_from_text
from session_service.adapters.db.rows import SESSION_FIELDS
from session_service.adapters.db.sessions import is_meant
from session_service.application.ports.answers import NothingWrittenError
from session_service.application.ports.learners import LearnerMark
from session_service.application.ports.sessions import SessionRef
from session_service.domain.items import SessionItem
from session_service.domain.policies import Policy
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import State

# Longer than a statement may take in the database.
_LONGEST_SECONDS = 12.0
_SETTINGS = {
    # For keys that another process is about to use, and learners who are being erased: whoever
    # meets one waits alone.
    "lock_timeout": "200",
    # A few statements, over and over, whose plan does not depend on what they are given.
    "plan_cache_mode": "force_generic_plan",
    # Planned while the tables were still small: what is read by its key stays so as they grow. The first
    # keeps the planner from reading a whole table, the others from joining a lot with a whole index.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_material": "off",
}
# Who practises sends one answer after the other; what they do not come back to is not kept for long.
_REMEMBERED = 8_000
_REMEMBERED_SECONDS = 300.0
# Characters of settings and note.
_LARGEST_REMEMBERED = 1_000
# What the driver says before it sends anything, while the server's last words are read.
_NOT_READY = ("cannot switch to state", "not connected")

_POLICY = "SELECT policy::text FROM session.product_version WHERE (product, version) = ($1, $2)"

PLAIN_FIELDS = [name for name in SESSION_FIELDS if name != "settings"]
# The first columns of what reads sessions, from `session.practice_session AS s`.
SESSION = f"{', '.join(f's.{name}' for name in PLAIN_FIELDS)}, s.settings::text"
SESSION_WIDTH = len(PLAIN_FIELDS) + 1

# Of who asks with a key: that nothing was done with it yet. With OFFSET 0 it is asked for each by the key:
# without, all keys of everybody are hashed where the plan was made while they were few.
KEY_UNUSED = """NOT EXISTS (
    SELECT FROM session.idempotency AS used WHERE (used.user_id, used.key) = (asked.user_id, asked.key)
    OFFSET 0)"""

Rows = Sequence[Any]

log = get_logger(__name__)


class Connections:
    """The driver's connections, kept from one lot to the next: at most so many, the newest used first.

    What a pool does between two statements costs more than one of them. Opens nothing until it is used.
    """

    def __init__(self, url: str, most: int) -> None:
        self._url = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._most = most
        self._places = asyncio.Semaphore(most)
        self._kept: list[_Kept] = []

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[Any]:
        """Lends a connection; one that the server has ended is replaced before anything is sent on it.

        Raises NothingWrittenError when none can be had.
        """
        kept = await self._borrow()
        try:
            try:
                yield kept.driver
            except (NothingWrittenError, asyncpg.PostgresError):
                self._kept.append(kept)
                raise
            except BaseException:
                # Nobody knows what it is in the middle of.
                kept.driver.terminate()
                raise
            self._kept.append(kept)
        finally:
            self._places.release()

    async def _borrow(self) -> _Kept:
        try:
            async with asyncio.timeout(POOL_WAIT_SECONDS):
                await self._places.acquire()
        except TimeoutError as error:
            raise NothingWrittenError from error
        try:
            return self._take() or await self._open()
        except BaseException as error:
            self._places.release()
            if isinstance(error, Exception):
                raise NothingWrittenError from error
            raise

    async def close(self) -> None:
        """Closes them, once those in use are back: waits a moment at most."""
        try:
            async with asyncio.timeout(HOME_SECONDS):
                for _ in range(self._most):
                    await self._places.acquire()
        except TimeoutError:
            log.warning("connections_in_use")
        while (kept := self._take()) is not None:
            await kept.driver.close(timeout=HOME_SECONDS)

    def _take(self) -> _Kept | None:
        while self._kept:
            kept = self._kept.pop()
            if not kept.has_ended():
                return kept
            kept.driver.terminate()
        return None

    async def _open(self) -> _Kept:
        driver = await asyncpg.connect(
            self._url,
            timeout=CONNECT_SECONDS,
            max_cached_statement_lifetime=0,
            server_settings={**SERVER_SETTINGS, "application_name": "session-combined", **_SETTINGS},
        )
        poller = select.poll()
        poller.register(asyncpg_socket(driver).fileno(), select.POLLIN)
        return _Kept(driver, poller)


@dataclass(frozen=True, slots=True)
class _Kept:
    driver: Any
    poller: Any

    def has_ended(self) -> bool:
        """Tells whether the server has ended it: to a connection at rest it says nothing else."""
        return bool(self.driver.is_closed() or self.poller.poll(0))


@dataclass(frozen=True, slots=True)
class RecentSession:
    """An open session as it was written last, and its picked items, by name and in their order."""

    session: PracticeSession
    items: Mapping[str, SessionItem]


class RecentSessions:
    """Sessions as this process wrote them last: at most so many, with their items, and not for long.

    Their learners, too: how far their events are, and the calendar in force.

    Others write them too, and nobody says so here. What is judged by one of these may be told only once a
    write has found the session to be at that version.
    """

    def __init__(self, most: int = _REMEMBERED, seconds: float = _REMEMBERED_SECONDS) -> None:
        self._kept: TTLCache[tuple[int, int], RecentSession] = TTLCache(
            most, seconds, getsizeof=lambda recent: 1 + len(recent.items)
        )
        self.learners: TTLCache[int, LearnerMark] = TTLCache(most, seconds)

    def recall(self, user_id: int, ref: SessionRef) -> RecentSession | None:
        """Returns a learner's session, None where it is not known or not the one meant."""
        recent = self._kept.get((user_id, ref.id))
        return recent if recent is not None and is_meant(recent.session, ref) else None

    def keep(self, session: PracticeSession, items: Mapping[str, SessionItem]) -> None:
        """Takes down what was written, whole. Of an ended session, or a large one, nothing is kept."""
        self.forget(session.user_id, session.id)
        if session.state.is_open and len(items) < self._kept.maxsize and _is_small(session):
            self._kept[session.user_id, session.id] = RecentSession(session, items)

    def follow(self, before: PracticeSession, after: PracticeSession) -> None:
        """Takes down a change that leaves picked items alone, where the session before it is known."""
        recent = self._kept.get((before.user_id, before.id))
        self.forget(before.user_id, before.id)
        if recent is not None and _mark_of(recent.session) == _mark_of(before):
            self.keep(after, recent.items)

    def forget(self, user_id: int, session_id: int) -> None:
        """Makes the session one that has to be read."""
        self._kept.pop((user_id, session_id), None)


def _mark_of(session: PracticeSession) -> tuple[int, datetime]:
    """Returns what tells two versions apart, one of them of a database that was put back."""
    return session.version, session.updated_at


def _is_small(session: PracticeSession) -> bool:
    """Tells whether texts of the learner's own take little: what is nested takes many times its text."""
    settings = len(str(session.settings)) if session.settings else 0
    return settings + len(session.note) <= _LARGEST_REMEMBERED


def to_columns(width: int, rows: Rows) -> list[Any]:
    """Returns rows as the arrays of a statement's parameters."""
    return list(zip(*rows, strict=True)) if rows else [()] * width


def to_arrays(types: Iterable[str], first: int = 1) -> str:
    """Returns a statement's parameters that are arrays of these types, numbered from the first."""
    return ", ".join(f"${place}::{name}[]" for place, name in enumerate(types, first))


def to_asked(columns: Mapping[str, str]) -> str:
    """Returns what callers ask as rows of a FROM, with their places, by the columns' names and types."""
    return f"unnest({to_arrays(columns.values())}) WITH ORDINALITY AS asked ({', '.join(columns)}, place)"


def key_to_values(keyed: tuple[RequestIdentity, Any, type[Any]] | None) -> tuple[Any, ...]:
    """Returns key, method, digest and outcome as their table has them; None for each without a key.

    `keyed` is a caller's request with its outcome and the outcome's type.
    """
    if keyed is None:
        return None, None, None, None
    request, outcome, outcome_type = keyed
    return request.key, request.method, request.digest, outcome_to_text(outcome, outcome_type)


class CombinedStatements:
    """Runs the statements, and knows the policies that sessions go by."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._policies: dict[tuple[str, int], Policy] = {}

    async def read(self, statement: str, columns: Rows) -> Rows:
        """Returns rows; those with an `id` say by `product` and `policy_version` which policy they go by.

        Raises NothingWrittenError.
        """
        try:
            async with self._connections.lend() as driver:
                rows: Rows = await driver.fetch(statement, *columns, timeout=_LONGEST_SECONDS)
                await self._learn_policies(driver, rows)
        except Exception as error:
            raise NothingWrittenError from error
        return rows

    async def write(self, statement: str, columns: Rows) -> Rows:
        """Returns the rows that the statement does.

        Raises NothingWrittenError when nothing was written for certain, otherwise ConnectionError.
        """
        async with self._connections.lend() as driver:
            try:
                rows: Rows = await driver.fetch(statement, *columns, timeout=_LONGEST_SECONDS)
            except asyncpg.PostgresError as error:
                if driver.is_closed():
                    raise ConnectionError("lost while many wrote") from error
                raise NothingWrittenError from error
            except asyncpg.InternalClientError as error:
                driver.terminate()
                if str(error).startswith(_NOT_READY):
                    # The server has begun to say that it ends: nothing was sent.
                    raise NothingWrittenError from error
                raise ConnectionError("lost while many wrote") from error
            except (asyncpg.InterfaceError, TimeoutError, OSError) as error:
                raise ConnectionError("lost while many wrote") from error
        return rows

    def session_from(self, row: Sequence[Any], ref: SessionRef) -> PracticeSession | None:
        """Returns the session of a row's first columns; None where there is none, or not the one meant."""
        values: Mapping[str, Any] = dict(zip(PLAIN_FIELDS, row, strict=False))
        if values["id"] is None:
            return None
        session = PracticeSession(
            **{**values, "state": State(values["state"])},
            settings=json.loads(row[SESSION_WIDTH - 1]),
            policy=self.policy(values["product"], values["policy_version"]),
        )
        return session if is_meant(session, ref) else None

    def policy(self, product: str, version: int) -> Policy:
        """Returns a policy that a row named which was read."""
        return self._policies[product, version]

    async def _learn_policies(self, driver: Any, rows: Rows) -> None:
        """Reads the policies that were not seen yet; none ever changes."""
        named = {(row["product"], row["policy_version"]) for row in rows if row["id"] is not None}
        for name in named - self._policies.keys():
            text = await driver.fetchval(_POLICY, *name, timeout=_LONGEST_SECONDS)
            self._policies[name] = policy_from_text(text)
