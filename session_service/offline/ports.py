"""The items on record that devices made offline, and a transaction with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from session_service.application.ports.unit_of_work import UnitOfWork
from session_service.domain.answers import RecordedAnswer
from session_service.domain.items import SessionItem
from session_service.domain.practice_session import PracticeSession
from session_service.offline.domain import SyncedItem


@dataclass(frozen=True, slots=True)
class EndedSession:
    """A session to be stored as it ended, with its answers and the items that were picked."""

    session: PracticeSession
    answers: Sequence[RecordedAnswer]
    items: Sequence[SessionItem]


class SyncedItems(Protocol):
    """The items of a unit of work. Its statements do not grow in number with the items."""

    async def find(self, user_id: int, client_ids: Iterable[str]) -> Mapping[str, SyncedItem]:
        """Returns those of the ids that are on record."""

    async def add(self, user_id: int, items: Sequence[SyncedItem]) -> None:
        """Puts items on record."""

    async def add_sessions(self, ended: Sequence[EndedSession]) -> Sequence[PracticeSession]:
        """Stores sessions that are over and returns them numbered, in their order."""


class OfflineUnitOfWork(UnitOfWork, Protocol):
    """One transaction, with what devices made offline in it."""

    synced: SyncedItems

    async def __aenter__(self) -> OfflineUnitOfWork: ...


OfflineUnitOfWorkFactory = Callable[[], OfflineUnitOfWork]
