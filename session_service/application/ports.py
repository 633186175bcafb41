"""What the use cases need from the outside."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

from service_kit.call import Call
from session_service.domain.achievements import Achievement
from session_service.domain.days import Calendar
from session_service.domain.events import SessionEnded
from session_service.domain.grading import AnswerKey
from session_service.domain.items import ContentItem, SessionItem
from session_service.domain.messages import Message
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change, State
from session_service.domain.submission import Submission

Clock = Callable[[], datetime]
Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class SessionRef:
    """A session as a caller names it: by number and, through a product's own API, by that product.

    A session of another product does not exist for a product's clients, nor
    does one that was not started in the Unix second that its public id says.
    """

    id: int
    product: str = ""
    second: int | None = None


@dataclass(frozen=True, slots=True)
class SubmissionRef:
    """A submission by number and, where its public id says it, the Unix second it was made in."""

    id: int
    second: int | None = None


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """An answer as it is on record. `time_taken` is in seconds."""

    answer_id: str
    item: str
    text: str
    time_taken: float | None
    correct: bool
    correct_answer: str
    feedback: str


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One change of a session and the figures after it; `sequence` is the version it made."""

    sequence: int
    change: Change
    at: datetime
    state: State
    answer_count: int
    correct_answer_count: int
    elapsed_seconds: int
    item_count: int = 0
    answered_item_count: int = 0
    mastered_item_count: int = 0
    right_run: int = 0


@dataclass(frozen=True, slots=True)
class Content:
    """An activity, sequence or problem as the catalog names it; `created_at` is known of problems."""

    name: str
    title: str
    type: str = ""
    created_at: datetime | None = None


class Sessions(Protocol):
    """The sessions of a unit of work."""

    async def add(self, session: PracticeSession) -> PracticeSession | None:
        """Stores a new session and returns it numbered; None when its open slot is taken."""

    async def lock(self, user_id: int, ref: SessionRef) -> PracticeSession:
        """Returns a session, locked until the commit. Raises SessionNotFoundError."""

    async def lock_open(self, user_id: int, open_slot: str) -> PracticeSession | None:
        """Returns the session that holds an open slot, locked, if there is one."""

    async def save(self, change: Change, *versions: PracticeSession) -> None:
        """Stores the last of a session's consecutive new versions; each becomes a journal entry."""

    async def add_items(self, session_id: int, items: Sequence[SessionItem]) -> None:
        """Stores the items picked for a new session."""

    async def items(self, session_id: int, items: Iterable[str]) -> Mapping[str, SessionItem]:
        """Returns those of the session's picked items that are named."""

    async def update_items(self, session_id: int, items: Sequence[SessionItem]) -> None:
        """Stores how picked items went."""

    async def next_item(self, session_id: int) -> SessionItem | None:
        """Returns the first picked item without an answer, if there is one."""

    async def answers(self, session_id: int, answer_ids: Iterable[str]) -> Mapping[str, RecordedAnswer]:
        """Returns the answers on record under these ids."""

    async def add_answers(
        self, session: PracticeSession, answers: Sequence[RecordedAnswer], at: datetime
    ) -> None:
        """Stores new answers, numbered up to the session's count."""

    async def summary(self, user_id: int, product: str) -> Summary:
        """Returns the figures over a user's sessions of a product, this transaction's changes included."""

    async def put_draft(self, session: PracticeSession, content: str) -> None:
        """Stores the session's draft in place of the one before."""

    async def add_message(self, session: PracticeSession, message: Message) -> None:
        """Stores a line of the conversation."""

    async def draft(self, session_id: int) -> str | None:
        """Returns the draft's content, if there is one."""

    async def messages(self, session_id: int) -> Sequence[Message]:
        """Returns the conversation, oldest first."""


class Learners(Protocol):
    """What the service remembers of a user: their calendar and their event sequence."""

    async def calendar(self, user_id: int) -> Calendar:
        """Returns the zone and rollover hour in force."""

    async def next_seq(self, user_id: int) -> tuple[int, Calendar]:
        """Returns the next place in the user's event sequence and the calendar in force.

        Locks the user's row, so the order of commits equals that of the numbers.
        """

    async def set_time_zone(self, user_id: int, time_zone: str, at: datetime) -> None:
        """Puts a zone in force from an instant on and keeps the earlier ones. Idempotent."""


class Outbox(Protocol):
    """Events that leave the service once the transaction is committed."""

    async def add(self, event: SessionEnded) -> None:
        """Stores an event to be published."""


class Submissions(Protocol):
    """The submissions of a unit of work."""

    async def add(self, submission: Submission) -> Submission:
        """Stores a new submission with its conversation and returns it numbered."""

    async def lock(self, user_id: int, ref: SubmissionRef) -> Submission:
        """Returns a submission, locked until the commit. Raises SubmissionNotFoundError."""

    async def save(self, submission: Submission) -> None:
        """Stores a submission's next version, but for its conversation."""

    async def add_message(self, submission_id: int, message: Message) -> None:
        """Stores a line of the conversation."""

    async def delete(self, submission_id: int) -> None:
        """Forgets a submission and its conversation."""


class Idempotency(Protocol):
    """The answers to requests that may be sent again."""

    async def claim(self, call: Call, outcome_type: type[Outcome]) -> Outcome | None:
        """Returns the first outcome of a repeated request, None for a new one."""

    async def remember(self, call: Call, outcome: Any, outcome_type: type[Any]) -> None:
        """Stores a request's outcome."""


class UnitOfWork(Protocol):
    """One transaction. Leaving it without a commit undoes everything."""

    sessions: Sessions
    submissions: Submissions
    learners: Learners
    outbox: Outbox
    idempotency: Idempotency

    async def __aenter__(self) -> UnitOfWork: ...

    async def __aexit__(self, *exc_info: object) -> None: ...

    async def commit(self) -> None:
        """Makes the work durable, then publishes its events."""


UnitOfWorkFactory = Callable[[], UnitOfWork]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSelection:
    """Which of a user's sessions to list, newest first; empty fields select all.

    `before_id` continues after a session already listed.
    """

    user_id: int
    product: str = ""
    content: str = ""
    states: frozenset[State] = frozenset()
    started_from: datetime | None = None
    started_before: datetime | None = None
    before_id: int | None = None
    limit: int = 20
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """How a session went, item by item, in the order first answered.

    `average_time_taken` is in seconds over the answers that told it.
    """

    items: Sequence[SessionItem]
    average_time_taken: float | None


@dataclass(frozen=True, slots=True)
class LearnerMark:
    """How far a user's ended sessions are, and the calendar in force.

    `last_seq` grows with the end of each session, in its transaction.
    """

    last_seq: int
    calendar: Calendar


@dataclass(frozen=True, slots=True)
class History:
    """A part of a user's sessions, how many there are in all, and the mark they were read at."""

    sessions: Sequence[PracticeSession]
    total: int
    mark: LearnerMark


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures over a user's sessions of a product; seconds over the completed ones."""

    started: int
    completed: int
    completed_seconds: int

    @property
    def average_seconds(self) -> int:
        """The mean time of a completed session in whole seconds, 0 without one."""
        return round(self.completed_seconds / self.completed) if self.completed else 0

    @property
    def completion_percentage(self) -> float:
        """Completed over started sessions in percent, one decimal, 0 without one."""
        return round(100 * self.completed / self.started, 1) if self.started else 0.0


class Readers(Protocol):
    """Reads that change nothing; each sees one consistent moment."""

    async def get(self, user_id: int, ref: SessionRef) -> PracticeSession:
        """Returns a session. Raises SessionNotFoundError."""

    async def active(self, user_id: int, product: str, content: str) -> PracticeSession | None:
        """Returns the newest open session, if there is one."""

    async def list(self, selection: SessionSelection) -> Sequence[PracticeSession]:
        """Returns sessions, newest first."""

    async def count(self, selection: SessionSelection) -> int:
        """Returns how many sessions a selection has, whatever its limit, offset and position."""

    async def learner_mark(self, user_id: int) -> LearnerMark:
        """Returns how far a user's ended sessions are."""

    async def history(self, selection: SessionSelection) -> History:
        """Returns a part of a user's sessions, all of it as of one moment."""

    async def summary(self, user_id: int, product: str) -> Summary:
        """Returns the figures over a user's sessions of a product."""

    async def items(self, session_id: int) -> Sequence[SessionItem]:
        """Returns the items picked for a session, in their order."""

    async def report(self, user_id: int, ref: SessionRef) -> tuple[PracticeSession, Report]:
        """Returns a session and how it went, both as of one moment. Raises SessionNotFoundError."""

    async def draft(self, session_id: int) -> tuple[str, str] | None:
        """Returns the draft's content and hash, if there is one."""

    async def messages(self, session_id: int, after: int, limit: int) -> Sequence[Message]:
        """Returns lines of the conversation after a position, oldest first."""

    async def journal(self, session_id: int, after: int) -> Sequence[JournalEntry]:
        """Returns the journal after a sequence number, oldest first."""

    def ended(self, user_id: int, after_session_id: int) -> AsyncIterator[PracticeSession]:
        """Yields every ended session after a number, in order; of one user unless `user_id` is 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionSelection:
    """Which of a user's submissions to list, newest first; without content, of all."""

    user_id: int
    content: str = ""
    before_id: int | None = None
    limit: int = 20
    offset: int = 0


class SubmissionReaders(Protocol):
    """Reads of submissions that change nothing; each sees one consistent moment."""

    async def get(self, user_id: int, ref: SubmissionRef) -> Submission:
        """Returns a submission. Raises SubmissionNotFoundError."""

    async def newest(self, user_id: int, content: str) -> Submission | None:
        """Returns the newest submission of a content, if there is one."""

    async def list(self, selection: SubmissionSelection) -> tuple[Sequence[Submission], int]:
        """Returns submissions without documents and conversations, and how many there are in all."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A session with what is being worked on in it: the draft, its hash and the conversation."""

    session: PracticeSession
    document: str
    document_hash: str
    messages: Sequence[Message]


class WorkspaceReaders(Protocol):
    """Reads of sessions with their work; each sees one consistent moment."""

    async def get(self, user_id: int, ref: SessionRef) -> Workspace:
        """Returns a session with its work. Raises SessionNotFoundError."""

    async def of(self, session: PracticeSession) -> Workspace:
        """Returns the work of a session at hand."""

    async def list(self, selection: SessionSelection, most_bytes: int) -> Sequence[Workspace]:
        """Returns sessions with their work, stopping before the work is over `most_bytes`.

        The first is returned however large its work is. The number of reads
        does not depend on the number of sessions.
        """


class JournalSignals(Protocol):
    """Wakes those who watch a session."""

    async def wait(self, session_id: int, at_most: timedelta) -> None:
        """Returns when the session may have changed, at the latest after `at_most`."""


class Catalog(Protocol):
    """What there is to practise. Raises UnavailableError when the catalog does not answer."""

    async def answer_keys(self, items: Iterable[str]) -> Mapping[str, AnswerKey]:
        """Returns the keys of the items that exist."""

    async def content(self, name: str) -> Content | None:
        """Returns an activity, sequence or problem, None when there is none."""

    async def content_items(self, content: str) -> Sequence[ContentItem]:
        """Returns the items of an activity in its author's order; none when there is no such activity."""

    async def achievements(self, product: str) -> Sequence[Achievement]:
        """Returns what a session of a product can achieve."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What the stats service says of events: `rejected` maps to the reasons."""

    applied: frozenset[UUID]
    rejected: Mapping[UUID, str]


@dataclass(frozen=True, slots=True)
class Streak:
    """Runs of the user's own days with practice, in days."""

    current: int
    best: int


@dataclass(frozen=True, slots=True)
class Badge:
    """A badge that a completion earned."""

    title: str
    description: str


@dataclass(frozen=True, slots=True)
class Effects:
    """What a completion led to; `pending` while statistics do not include it yet."""

    streak: Streak
    badges: tuple[Badge, ...]
    pending: bool


@dataclass(frozen=True, slots=True)
class DayOfPractice:
    """A day with completed sessions, and their time in seconds."""

    day: date
    sessions: int
    seconds: int


class Statistics(Protocol):
    """The stats service, as far as completions need it."""

    async def caught_up(self, user_id: int, user_seq: int) -> bool:
        """Waits, under a second, until statistics include a completion. Never raises."""

    async def effects(self, session: PracticeSession) -> Effects:
        """Waits, under a second, for a completion and returns what it led to.

        Raises UnavailableError when the stats service does not answer at all.
        """

    async def streak(self, user_id: int, product: str) -> Streak:
        """Returns the user's streak in a product. Raises UnavailableError."""

    async def days(self, user_id: int, product: str, first: date, last: date) -> Sequence[DayOfPractice]:
        """Returns the days with practice between two days, oldest first. Raises UnavailableError."""

    async def verdicts(self, event_ids: Sequence[UUID]) -> Verdicts | None:
        """Returns what became of events; None while the stats service does not answer."""


class Cache(Protocol):
    """A memory that may forget anything at any moment. Never raises."""

    async def get(self, key: str) -> bytes | None:
        """Returns what was put under a key, if it is still known."""

    async def put(self, key: str, value: bytes, keep: timedelta) -> None:
        """Keeps a value for a while."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `most` calls of one user within any `window`; `refusal` is what the next one is told."""

    name: str
    most: int
    window: timedelta
    refusal: str


class RateLimits(Protocol):
    """Who called how often of late."""

    def within(self, limit: RateLimit, call: Call) -> AbstractAsyncContextManager[None]:
        """Counts the call for as long as its block lasts, and for good unless the block raises.

        A repeat of a counted request is not counted again. Entering raises
        RateLimitedError, whose metadata has `limit`, `remaining`, and in
        seconds `retry_after` and `reset`, when all of the limit is there again.
        """
