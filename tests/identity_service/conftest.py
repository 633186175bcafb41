"""A running identity service, its client, and people who signed up."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import grpc
import pytest
from practice.identity.v1 import account_pb2
from practice.identity.v1 import identity_service_pb2 as pb
from practice.identity.v1 import identity_service_pb2_grpc as rpc
from sqlalchemy.ext.asyncio import AsyncEngine

from identity_service.main import serving
from identity_service.settings import Settings
from service_kit.db.engines import open_async_engine
from tests.calendars import FakeCalendarService, serving_calendars
from tests.shared import Shared, frozen
from tests.tokens import TestTokens

Stub: TypeAlias = "rpc.IdentityServiceAsyncStub"
Connect = Callable[..., AbstractAsyncContextManager[grpc.aio.Channel]]
Serve = Callable[..., AbstractAsyncContextManager[Stub]]
Metadata = tuple[tuple[str, str], ...]

PASSWORD = "correct horse battery"
HASHED_IN_EARNEST = {"password_memory_kib": Settings.model_fields["password_memory_kib"].default}
_numbers = itertools.count(1)


class Clock:
    """The time as a test wants it: now, and later when told."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def advance(self, **duration: float) -> None:
        self._ahead += timedelta(**duration)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
async def calendar_service_at(internal_token: str) -> AsyncIterator[tuple[FakeCalendarService, str]]:
    async with serving_calendars(internal_token) as running:
        yield running


@pytest.fixture
def calendar_service(calendar_service_at: tuple[FakeCalendarService, str]) -> FakeCalendarService:
    """What a session service was told of users by this test."""
    calendar_service_at[0].forget()
    return calendar_service_at[0]


@pytest.fixture
def identity_settings(
    service_settings: dict[str, Any], tokens: TestTokens, calendar_service_at: tuple[FakeCalendarService, str]
) -> dict[str, Any]:
    return {
        **service_settings,
        "signing_key_file": tokens.signing_key_file,
        "session_address": calendar_service_at[1],
        # A hash as dear as in earnest is for the tests that look at it.
        "password_memory_kib": 64,
    }


@pytest.fixture
def connect(identity_settings: dict[str, Any], clock: Clock) -> Connect:
    """Serves identity by the test's clock with other settings for the duration of a block with a channel."""
    return lambda **changes: serving_channel({**identity_settings, **changes}, clock)


@asynccontextmanager
async def serving_channel(settings: dict[str, Any], clock: Clock) -> AsyncIterator[grpc.aio.Channel]:
    """Yields a channel to a server of its own."""
    async with (
        serving(Settings(**settings), clock) as server,
        grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        yield channel


@pytest.fixture
async def channel(shared: Shared, identity_settings: dict[str, Any]) -> grpc.aio.Channel:
    """To a server by the right time, which no test changes."""
    key = ("identity", frozen(identity_settings))
    return await shared.of(key, lambda: serving_channel(identity_settings, Clock()))


@pytest.fixture
def serve(connect: Connect) -> Serve:
    """Serves identity with other settings for the duration of a block."""

    @asynccontextmanager
    async def serve(**changes: Any) -> AsyncIterator[Stub]:
        async with connect(**changes) as channel:
            yield rpc.IdentityServiceStub(channel)

    return serve


@pytest.fixture
def identity(channel: grpc.aio.Channel) -> Stub:
    return rpc.IdentityServiceStub(channel)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_async_engine(database_url, pool_size=5, application="test")
    yield engine
    await engine.dispose()


@dataclass(frozen=True)
class Person:
    """Somebody with an account and one log-in."""

    email: str
    account: account_pb2.Account
    tokens: account_pb2.TokenPair

    @property
    def metadata(self) -> Metadata:
        return (("authorization", f"Bearer {self.tokens.access_token}"),)


def new_email() -> str:
    return f"person{next(_numbers)}@example.com"


@pytest.fixture
def new_person(identity: Stub) -> Callable[[], Awaitable[Person]]:
    async def new_person() -> Person:
        email = new_email()
        account = await identity.SignUp(
            pb.SignUpRequest(first_name="Ana", last_name="Ruiz", email=email, password=PASSWORD)
        )
        pair = await identity.LogIn(pb.LogInRequest(email=email, password=PASSWORD))
        return Person(email, account, pair)

    return new_person


@pytest.fixture
async def person(new_person: Callable[[], Awaitable[Person]]) -> Person:
    return await new_person()
