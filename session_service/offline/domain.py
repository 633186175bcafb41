"""Sessions and answers made offline: their ids and times, what they amount to, what became of them."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from service_kit.errors import ConflictError, InvalidArgumentError, ServiceError
from session_service.domain.days import Calendar
from session_service.domain.errors import DurationOutOfRangeError, ProductUnknownError, Refusal
from session_service.domain.policies import Elapsed, Product
from session_service.domain.practice_session import PLAUSIBLE_LEAD, PracticeSession
from session_service.domain.states import State

# How far a device's clock may run ahead of ours.
CLOCK_LEAD = timedelta(hours=1)
MOST_ANSWERS = 1_000
_LONGEST_NOTE = 5_000
_LONGEST_TOLD = 64
_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class OfflineItemInvalidError(InvalidArgumentError):
    """Something made offline that cannot be read; `field` says what is wrong with it."""

    reason = "FIELD_INVALID"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message, field=field)


class TimeOutOfRangeError(InvalidArgumentError):
    """A time that a device told is too far ahead, or too long ago."""

    reason = "TIME_OUT_OF_RANGE"

    def __init__(self, field: str, earliest: datetime, latest: datetime) -> None:
        bounds = {"earliest": earliest.isoformat(), "latest": latest.isoformat()}
        super().__init__(
            f"{field} must be from {bounds['earliest']} to {bounds['latest']}", field=field, **bounds
        )


class ClientIdReusedError(ConflictError):
    """The id that a device gave came before with other content."""

    reason = "CLIENT_ID_REUSED"

    def __init__(self, client_id: str) -> None:
        super().__init__("The id is on record with other content", client_id=client_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineAnswer:
    """An attempt at an item. `session_id` is None within an offline session; `time_taken` is in seconds."""

    answer_id: str
    item: str
    text: str
    answered_at: datetime
    time_taken: float | None = None
    session_id: int | None = None

    @property
    def client_id(self) -> str:
        """The id that the device gave."""
        return self.answer_id


@dataclass(frozen=True, slots=True)
class RefusedAnswer:
    """An answer that its session goes without; `answer_id` is as much of its id as can be kept."""

    answer_id: str
    reason: str

    @classmethod
    def of(cls, answer_id: str, reason: str) -> RefusedAnswer:
        """Returns the refusal of an answer whose id may be any text."""
        return cls(answer_id.replace("\0", "")[:_LONGEST_TOLD], reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineSession:
    """A session that began and ended on a device.

    `elapsed_seconds` is None where all of its time counts. Among the answers
    are those that could not be read.
    """

    client_id: str
    product: str
    started_at: datetime
    ended_at: datetime
    time_zone: str
    outcome: State
    mode: str = ""
    content: str = ""
    planned_seconds: int | None = None
    elapsed_seconds: int | None = None
    note: str = ""
    answers: tuple[OfflineAnswer | RefusedAnswer, ...] = ()


OfflineItem = OfflineSession | OfflineAnswer


def weight_of(item: OfflineItem) -> int:
    """Returns how much work an item is: itself and its answers."""
    return 1 + len(item.answers) if isinstance(item, OfflineSession) else 1


@dataclass(frozen=True, slots=True)
class SyncedItem:
    """An item on record: the digest of what it said, and the session that it is, or is in."""

    client_id: str
    digest: bytes
    session_id: int
    refused_answers: tuple[RefusedAnswer, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """The times, inclusive, that a device may tell."""

    earliest: datetime
    latest: datetime

    @classmethod
    def around(cls, now: datetime, max_age: timedelta) -> Window:
        """Returns the times from `max_age` ago to an hour ahead."""
        return cls(now - max_age, now + CLOCK_LEAD)

    def check(self, field: str, instant: datetime) -> None:
        """Raises TimeOutOfRangeError for a time outside."""
        if not self.earliest <= instant <= self.latest:
            raise TimeOutOfRangeError(field, self.earliest, self.latest)

    def check_id(self, field: str, client_id: str) -> None:
        """Raises TimeOutOfRangeError for an id that was made too far ahead.

        How old an id may be is not asked: its item says when it happened.
        """
        milliseconds = int(client_id[:8] + client_id[9:13], 16)
        if milliseconds > self.latest.timestamp() * 1000:
            raise TimeOutOfRangeError(field, self.earliest, self.latest)


def client_id_of(field: str, text: str) -> str:
    """Returns a UUIDv7 in lower case. Raises OfflineItemInvalidError for any other text."""
    number = text.lower()
    if _UUID7.fullmatch(number) is None:
        raise OfflineItemInvalidError(field, f"{field} must be a UUIDv7 with hyphens")
    return number


def digest_of(item: OfflineItem) -> bytes:
    """Returns the SHA-256 of what an item says, the same however it was written.

    What is empty is left out, so that a field added later changes no digest
    that is on record.
    """
    text = _encoder.encode({_KINDS[type(item)]: _fields_of(item)})
    return hashlib.sha256(text.encode()).digest()


# Fixed for ever, like the names of the fields: digests are made of them.
_KINDS: dict[type[OfflineItem], str] = {OfflineSession: "session", OfflineAnswer: "answer"}


_NAMES = {
    kind: [field.name for field in fields(kind)] for kind in (OfflineSession, OfflineAnswer, RefusedAnswer)
}


def _fields_of(item: OfflineItem | RefusedAnswer) -> dict[str, Any]:
    # What `asdict` does in a fraction of the time: it would copy each instant. A zero says something.
    said = {name: value for name in _NAMES[type(item)] if (value := getattr(item, name)) or value == 0}
    if "answers" in said:
        said["answers"] = [_fields_of(answer) for answer in said["answers"]]
    return said


def _in_utc(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat()


_encoder = json.JSONEncoder(sort_keys=True, default=_in_utc)


def begin(
    offline: OfflineSession, product: Product | None, *, user_id: int, calendar: Calendar, window: Window
) -> PracticeSession:
    """Returns the session with its time, before its answers and its end.

    Raises TimeOutOfRangeError, OfflineItemInvalidError, DurationOutOfRangeError,
    ProductUnknownError without a product, and the errors of a start. That
    another session is open is no fault.
    """
    window.check_id("client_id", offline.client_id)
    window.check("start_time", offline.started_at)
    window.check("end_time", offline.ended_at)
    if offline.ended_at < offline.started_at:
        raise OfflineItemInvalidError("end_time", "end_time must not be before start_time")
    if len(offline.answers) > MOST_ANSWERS:
        raise OfflineItemInvalidError("answers", f"A session has at most {MOST_ANSWERS} answers")
    if len(offline.note) > _LONGEST_NOTE or "\0" in offline.note:
        raise OfflineItemInvalidError("note", f"A note has at most {_LONGEST_NOTE} characters, no U+0000")
    if product is None:
        raise ProductUnknownError(offline.product)
    session = PracticeSession.start(
        user_id=user_id,
        product=product,
        mode=offline.mode,
        content=offline.content,
        planned_seconds=offline.planned_seconds,
        calendar=calendar,
        now=offline.started_at,
    )
    return _add_time(session, offline)


def _add_time(session: PracticeSession, offline: OfflineSession) -> PracticeSession:
    """Returns the session with its time: all of it, or what its device tells.

    Where the server keeps time online, a device can only tell of pauses: its
    time is at most that from start to end.
    """
    wall = offline.ended_at - offline.started_at
    longest = int(wall.total_seconds())
    told = offline.elapsed_seconds
    elapsed = longest if told is None else told
    bounds = session.policy.elapsed_bounds
    if not bounds.hold(elapsed):
        raise DurationOutOfRangeError("elapsed_seconds", bounds.minimum, bounds.maximum)
    if session.policy.elapsed is Elapsed.MEASURED:
        elapsed = min(elapsed, longest)
    implausible = timedelta(seconds=elapsed) - wall > PLAUSIBLE_LEAD
    return session.with_values(
        elapsed_seconds=elapsed, implausible=implausible, active_since=None, synced=True
    )


def finish(
    session: PracticeSession, offline: OfflineSession, *, user_seq: int, calendar: Calendar, now: datetime
) -> PracticeSession:
    """Returns the session as it ended. It has one version only: it was never anything else here.

    Raises OutcomeNotAllowedError.
    """
    ended = session.end(offline.outcome, user_seq=user_seq, calendar=calendar, now=offline.ended_at)
    return ended.with_values(note=offline.note, version=1, updated_at=now)


class SyncOutcome(StrEnum):
    """Whether an item is on record, and since when."""

    MERGED = "merged"
    ALREADY_KNOWN = "already_known"
    REFUSED = "refused"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of one item; `session_id` is 0 for what is not on record."""

    client_id: str
    outcome: SyncOutcome
    session_id: int = 0
    refusal: Refusal | None = None
    refused_answers: tuple[RefusedAnswer, ...] = ()


def refuse(client_id: str, refusal: Refusal) -> ItemResult:
    """Returns the result of an item that is not on record as it is."""
    outcome = SyncOutcome.CONFLICT if refusal.category == "conflict" else SyncOutcome.REFUSED
    return ItemResult(client_id, outcome, refusal=refusal)


def refuse_for(client_id: str, error: ServiceError) -> ItemResult:
    """Returns the result of an item that an error is about; raises any other error."""
    return refuse(client_id, Refusal.of(error))


def recognise(item: OfflineItem, entry: SyncedItem, *, merged: bool = False) -> ItemResult:
    """Returns the result of an item whose id is on record, `merged` when it is so since now."""
    if not merged and entry.digest != digest_of(item):
        return refuse_for(item.client_id, ClientIdReusedError(item.client_id))
    outcome = SyncOutcome.MERGED if merged else SyncOutcome.ALREADY_KNOWN
    return ItemResult(item.client_id, outcome, entry.session_id, refused_answers=entry.refused_answers)
