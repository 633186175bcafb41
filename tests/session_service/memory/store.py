"""The tables of a database in memory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from service_kit.call import RequestIdentity
from session_service.application.ports.readers import JournalEntry
from session_service.application.ports.sessions import SessionRef, Summary
from session_service.domain.answers import RecordedAnswer
from session_service.domain.days import Calendar
from session_service.domain.errors import SessionNotFoundError
from session_service.domain.events import Event
from session_service.domain.items import SessionItem
from session_service.domain.learner import CalendarChange, Learner
from session_service.domain.messages import Message
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import State
from session_service.offline.domain import SyncedItem


@dataclass
class Tables:
    """What a database would hold."""

    sessions: dict[int, PracticeSession] = field(default_factory=dict)
    answers: dict[tuple[int, str], RecordedAnswer] = field(default_factory=dict)
    drafts: dict[int, tuple[str, str]] = field(default_factory=dict)
    items: dict[tuple[int, int], SessionItem] = field(default_factory=dict)
    messages: dict[int, list[Message]] = field(default_factory=dict)
    journal: dict[int, list[JournalEntry]] = field(default_factory=dict)
    calendars: dict[int, Calendar] = field(default_factory=dict)
    calendar_changes: list[CalendarChange] = field(default_factory=list)
    sign_ups: dict[int, datetime | None] = field(default_factory=dict)
    last_seq: dict[int, int] = field(default_factory=dict)
    outbox: list[Event] = field(default_factory=list)
    synced: dict[tuple[int, str], SyncedItem] = field(default_factory=dict)
    keys: dict[tuple[int, str], tuple[RequestIdentity, Any]] = field(default_factory=dict)


class Store:
    """The committed tables, one transaction at a time, and a count of commits."""

    def __init__(self) -> None:
        self.committed = Tables()
        self.commits = 0
        self.in_transaction = False
        self.serial = asyncio.Lock()
        self.draft_writes = 0

    def find(self, user_id: int, ref: SessionRef, tables: Tables) -> PracticeSession:
        session = tables.sessions.get(ref.id)
        if session is None or (ref.product and session.product != ref.product):
            raise SessionNotFoundError(ref.id)
        if session.user_id != user_id:
            raise SessionNotFoundError(ref.id, foreign=True)
        return session


def items_of(tables: Tables, session_id: int) -> list[SessionItem]:
    """Returns a session's picked items in their order."""
    return [item for (of, _), item in sorted(tables.items.items()) if of == session_id]


def changes_of(tables: Tables, user_id: int) -> list[CalendarChange]:
    """Returns a user's changes of calendar, newest first."""
    return [change for change in reversed(tables.calendar_changes) if change.user_id == user_id]


def learner_of(tables: Tables, user_id: int) -> Learner:
    """Returns what is known of a user."""
    newest = next(iter(changes_of(tables, user_id)), None)
    return Learner(
        user_id=user_id,
        last_seq=tables.last_seq.get(user_id, 0),
        calendar=tables.calendars.get(user_id, Calendar()),
        effective_at=newest.effective_at if newest else None,
        signed_up_at=tables.sign_ups.get(user_id),
    )


def summary_of(tables: Tables, user_id: int, product: str) -> Summary:
    """Returns the figures over a user's sessions of a product."""
    mine = [each for each in tables.sessions.values() if (each.user_id, each.product) == (user_id, product)]
    completed = [session for session in mine if session.state is State.COMPLETED]
    return Summary(len(mine), len(completed), sum(session.elapsed_seconds for session in completed))
