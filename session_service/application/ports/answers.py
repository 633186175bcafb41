"""Answers of many callers at once: what is read to judge them, and what they changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from service_kit.call import Call, RequestIdentity
from session_service.application.ports.sessions import SessionRef
from session_service.domain.answers import RecordedAnswer, Recording, SubmittedAnswer
from session_service.domain.grading import AnswerKey
from session_service.domain.items import SessionItem
from session_service.domain.practice_session import PracticeSession


@dataclass(frozen=True, slots=True)
class AnswerBatch:
    """The answers of one call, each with an id, and the answer keys of their items.

    `sent_ids` are the ids that the client made: only these can be on record.
    `doubted` says that what is remembered of the session was not so, or proved nothing: it is to be read.
    """

    call: Call
    ref: SessionRef
    answers: Sequence[SubmittedAnswer]
    keys: Mapping[str, AnswerKey]
    sent_ids: Sequence[str]
    doubted: bool = False


@dataclass(frozen=True, slots=True)
class FoundSession:
    """A session that answers are for: those of them on record, by id, and its picked items, by name.

    The items are in their order. `last_seq` is how far the caller's events are,
    `time_zone` the one in force, None where that was not read.

    `remembered` says that it was not read: others may have changed the session since, or used the call's
    key, and answers may be on record by their ids. So it is true once a write of the session has gone well.
    """

    session: PracticeSession
    last_seq: int
    time_zone: str | None
    known: Mapping[str, RecordedAnswer]
    items: Mapping[str, SessionItem]
    remembered: bool = False


@dataclass(slots=True)
class ChangedSession:
    """A session with its picked items, and what is new of it.

    `keyed` is the outcome of its one caller with a key. `unseen_ids` says that nobody looked whether
    answers are on record by the ids that clients sent.
    """

    before: PracticeSession
    picked: Mapping[str, SessionItem]
    versions: list[PracticeSession] = field(default_factory=list)
    answers: list[RecordedAnswer] = field(default_factory=list)
    items: dict[str, SessionItem] = field(default_factory=dict)
    keyed: tuple[RequestIdentity, Any] | None = None
    unseen_ids: bool = False

    def add(self, recording: Recording) -> None:
        """Adds what came after."""
        self.versions += recording.versions
        self.answers += recording.fresh
        self.items |= recording.items


# How far the events of a session's learner are, and their zone in force.
Mark = tuple[int, str]


class NothingWrittenError(Exception):
    """A read or a write of many failed as a whole, and left nothing behind."""


class AnswerStore(Protocol):
    """Sessions of many learners, and what answers change of them."""

    async def read(self, batches: Sequence[AnswerBatch]) -> Sequence[FoundSession | None]:
        """Returns what each is for; None where there is no such session, or its key has been used.

        Nothing is locked, and what is remembered is not read. Raises NothingWrittenError.
        """

    async def write(self, changes: Sequence[ChangedSession], outcome_type: type[Any]) -> Mapping[int, Mark]:
        """Makes changes durable; returns marks of their learners, by the sessions that have them.

        Waits for no session: one that is locked, or is not what it was before,
        is left as it is, and so is one whose caller's key has been used, or an unseen id.
        Raises NothingWrittenError; after any other error nobody knows.
        """
