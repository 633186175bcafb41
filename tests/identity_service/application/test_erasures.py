"""How an erasure is carried on, whoever is away."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from identity_service.application.erasures import ErasureSaga, FinishErasures
from identity_service.application.ports.erasures import Unanswered
from identity_service.domain.accounts import Account
from identity_service.domain.erasure import Erasure, digest
from service_kit.errors import UnavailableError
from service_kit.personal_data import FileChunk, Report

NOW = datetime(2026, 2, 18, 12, tzinfo=UTC)
ANA = Account(7, "Ana", "Ruiz", "ana@example.com", NOW)


class MemoryErasures:
    """Erasures in memory; what is not committed is lost."""

    def __init__(self) -> None:
        self.stored: dict[uuid.UUID, Erasure] = {}
        self.due_at: dict[tuple[uuid.UUID, str], datetime] = {}

    async def begin(
        self, account: Account, others: Sequence[str], now: datetime, retry_at: datetime
    ) -> Erasure:
        reports = {"identity": Report({"account": 1}), **dict.fromkeys(others)}
        erasure = Erasure(uuid.uuid4(), account.user_id, now, None, reports)
        self.stored[erasure.receipt_id] = erasure
        self.due_at.update({(erasure.receipt_id, service): retry_at for service in others})
        return erasure

    async def of_account(self, user_id: int) -> Erasure | None:
        return next((each for each in self.stored.values() if each.user_id == user_id), None)

    async def get(self, receipt_id: uuid.UUID) -> Erasure | None:
        return self.stored.get(receipt_id)

    async def claim_due(self, now: datetime) -> Sequence[Unanswered]:
        due = [key for key, at in self.due_at.items() if at <= now]
        self.due_at.update(dict.fromkeys(due, now + timedelta(minutes=1)))
        return [
            Unanswered(receipt_id, self.stored[receipt_id].user_id, service) for receipt_id, service in due
        ]

    async def answer(self, receipt_id: uuid.UUID, service: str, report: Report, now: datetime) -> None:
        erasure = self.stored[receipt_id]
        changed = replace(erasure, reports={**erasure.reports, service: report})
        del self.due_at[receipt_id, service]
        self.stored[receipt_id] = changed if changed.unanswered else replace(changed, completed_at=now)


class MemoryUnit:
    def __init__(self, erasures: MemoryErasures) -> None:
        self.erasures = erasures

    async def commit(self) -> None:
        pass


class FakePersonalDataClient:
    """A service that answers, or does not."""

    def __init__(self) -> None:
        self.away = False
        self.asked: list[tuple[int, str]] = []

    async def export(self, user_id: int) -> AsyncGenerator[FileChunk]:
        yield FileChunk("things.json", b"[]", 0)

    async def erase(self, user_id: int, request_id: str, at_most_seconds: float) -> Report:
        self.asked.append((user_id, request_id))
        if self.away:
            raise UnavailableError("away")
        return Report({"things": 2}, {"lists": 1})


class World:
    """Identity's erasures and two services, at a time of one's own."""

    def __init__(self) -> None:
        self.now = NOW
        self.erasures = MemoryErasures()
        self.clients = {"session": FakePersonalDataClient(), "stats": FakePersonalDataClient()}
        self.saga = ErasureSaga(self.units, self.clients, self.clock)
        self.finish = FinishErasures(self.units, self.saga, self.clock)

    def clock(self) -> datetime:
        return self.now

    @property
    def units(self) -> Callable[[], Any]:
        @asynccontextmanager
        async def unit() -> AsyncIterator[Any]:
            yield MemoryUnit(self.erasures)

        return unit

    async def erase(self) -> Erasure:
        async with self.units() as unit:
            erasure = await self.saga.begin(unit, ANA)
        return await self.saga.carry_on(erasure)


@pytest.fixture
def world() -> World:
    return World()


async def test_everybody_is_asked_and_the_receipt_is_complete(world: World) -> None:
    erasure = await world.erase()

    assert erasure.completed_at == NOW
    assert erasure.unanswered == []
    assert erasure.reports["stats"] == Report({"things": 2}, {"lists": 1})
    for client in world.clients.values():
        assert client.asked == [(7, str(erasure.receipt_id))]


async def test_who_is_away_holds_up_nobody_else(world: World) -> None:
    world.clients["session"].away = True

    erasure = await world.erase()

    assert erasure.completed_at is None
    assert erasure.unanswered == ["session"]
    assert erasure.reports["stats"] is not None


async def test_it_is_finished_later_under_the_same_request(world: World) -> None:
    session = world.clients["session"]
    session.away = True
    erasure = await world.erase()
    session.away = False

    await world.finish()
    assert len(session.asked) == 1, "the caller may still be waiting"
    world.now += timedelta(seconds=20)
    await world.finish()

    assert session.asked == [(7, str(erasure.receipt_id))] * 2
    assert len(world.clients["stats"].asked) == 1
    finished = await world.erasures.get(erasure.receipt_id)
    assert finished is not None
    assert finished.completed_at == world.now


async def test_who_stays_away_is_asked_again_and_again(world: World) -> None:
    world.clients["session"].away = True
    erasure = await world.erase()
    for _ in range(3):
        world.now += timedelta(minutes=2)
        await world.finish()
    assert len(world.clients["session"].asked) == 4
    assert (await world.erasures.get(erasure.receipt_id)) == erasure


async def test_a_receipt_is_canonical_and_names_nobody(world: World) -> None:
    document = (await world.erase()).document()
    assert '"services":{"identity":{"corrected":{},"removed":{"account":1}}' in document
    assert " " not in document
    assert "Ana" not in document
    assert "example.com" not in document
    assert len(digest(document)) == 64
