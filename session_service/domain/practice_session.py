"""A practice session and everything that may happen to it.

A session is a value: each method checks the rules and returns the session as
it is afterwards. Nothing here knows of databases or clocks; instants are
arguments, UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import Any

from session_service.domain.days import Calendar
from session_service.domain.drafts import EMPTY_HASH
from session_service.domain.errors import (
    ContentMismatchError,
    DurationOutOfRangeError,
    ElapsedWentBackError,
    EtagMismatchError,
    ModeUnknownError,
    OutcomeNotAllowedError,
    SessionEndedError,
)
from session_service.domain.items import SessionItem
from session_service.domain.messages import add_line
from session_service.domain.policies import Elapsed, OpenScope, PauseAgain, Policy, Product
from session_service.domain.states import State

# A phone's clock may run a little ahead of what happened.
PLAUSIBLE_LEAD = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class PracticeSession:
    """One stretch of practice by one learner in one product.

    `elapsed_seconds` is the recorded time; where the server measures it, it
    is anchored at `active_since` and settled at each pause and at the end.
    `policy` is its product's as it was at the start, of `policy_version`:
    what is published later does not change a session.
    `version` grows by one with each change and numbers the journal.
    `user_seq` is the place of its end among the user's events, 0 before.
    `settings` are the client's own. `item_count` counts the items picked, 0
    where any item may be answered; `right_run` right answers in a row.
    `message_bytes` is the size of the conversation. `synced` tells that the
    session was made on a device and arrived when it was over.
    """

    id: int
    user_id: int
    product: str
    policy: Policy
    policy_version: int
    mode: str
    content: str
    state: State
    planned_seconds: int | None
    elapsed_seconds: int
    implausible: bool
    started_at: datetime
    active_since: datetime | None
    ended_at: datetime | None
    time_zone: str
    rollover_hour: int
    local_date: date | None
    answer_count: int
    correct_answer_count: int
    draft_hash: str
    draft_saved_at: datetime | None
    message_count: int
    content_title: str = ""
    content_type: str = ""
    content_created_at: datetime | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    item_count: int = 0
    answered_item_count: int = 0
    mastered_item_count: int = 0
    right_run: int = 0
    note: str = ""
    message_bytes: int = 0
    synced: bool = False
    user_seq: int
    version: int
    updated_at: datetime

    @classmethod
    def start(
        cls,
        *,
        user_id: int,
        product: Product,
        mode: str,
        content: str,
        planned_seconds: int | None,
        calendar: Calendar,
        now: datetime,
        content_title: str = "",
        content_type: str = "",
        content_created_at: datetime | None = None,
        settings: dict[str, Any] | None = None,
        item_count: int = 0,
    ) -> PracticeSession:
        """Returns a new session, not stored yet. Raises the errors of what the product does not allow."""
        product.check_start(now)
        policy = product.policy
        return cls(
            id=0,
            user_id=user_id,
            product=product.name,
            policy=policy,
            policy_version=product.version,
            mode=_checked_mode(policy, mode),
            content=_checked_content(policy, content),
            state=State.ACTIVE,
            planned_seconds=_checked_plan(policy, planned_seconds),
            elapsed_seconds=0,
            implausible=False,
            started_at=now,
            active_since=now,
            ended_at=None,
            time_zone=calendar.time_zone,
            rollover_hour=calendar.rollover_hour,
            local_date=None,
            answer_count=0,
            correct_answer_count=0,
            draft_hash=EMPTY_HASH,
            draft_saved_at=None,
            message_count=0,
            content_title=content_title,
            content_type=content_type,
            content_created_at=content_created_at,
            settings=settings or {},
            item_count=item_count,
            user_seq=0,
            version=1,
            updated_at=now,
        )

    @property
    def etag(self) -> str:
        """What a caller sends back to change only what they read."""
        return f'"{self.version}"'

    @property
    def open_slot(self) -> str | None:
        """What no two open sessions of a user may share; None where any number may be open."""
        if not self.state.is_open or self.policy.open_scope is OpenScope.ANY_NUMBER:
            return None
        if self.policy.open_scope is OpenScope.ONE_PER_USER:
            return self.product
        return f"{self.product}:{self.content}"

    @property
    def score_percentage(self) -> float:
        """Right answers in percent, two decimals; 0.0 before the first answer."""
        return round(self.correct_answer_count * 100 / self.answer_count, 2) if self.answer_count else 0.0

    @property
    def success_rate(self) -> float:
        """Right answers over answers, 0.0 to 1.0; 0.0 before the first answer."""
        return self.correct_answer_count / self.answer_count if self.answer_count else 0.0

    def duration_at(self, now: datetime) -> int:
        """Returns the whole seconds from the start to the end, or to `now` while it is open."""
        return max(0, int(((self.ended_at or now) - self.started_at).total_seconds()))

    @property
    def counts(self) -> bool:
        """Whether the end counts for totals, streaks, badges and boards."""
        policy = self.policy
        return self.state in policy.counted and (self.answer_count > 0 or policy.counts_unanswered)

    def with_values(self, **changes: Any) -> PracticeSession:
        """Returns the session with other values of some fields.

        What `dataclasses.replace` does in a third of its time: of forty fields a change has three.
        """
        values = list(_values_of(self))
        for name, value in changes.items():
            values[_PLACES[name]] = value
        other = object.__new__(PracticeSession)
        for put, value in zip(_SETTERS, values, strict=True):
            put(other, value)
        return other

    def expect(self, etag: str) -> None:
        """Raises EtagMismatchError unless the etag is empty or this version's."""
        if etag and etag != self.etag:
            raise EtagMismatchError(self.etag)

    def must_be_open(self) -> None:
        """Raises SessionEndedError when nothing can happen any more."""
        if not self.state.is_open:
            raise SessionEndedError(self.id, self.state, self.ended_at)

    def elapsed_at(self, now: datetime) -> int:
        """Returns the whole seconds practised by `now`."""
        if self.policy.elapsed is not Elapsed.MEASURED or self.active_since is None:
            return self.elapsed_seconds
        return self.elapsed_seconds + max(0, int((now - self.active_since).total_seconds()))

    def pause(self, *, now: datetime, reported: int | None = None) -> PracticeSession:
        """Returns the session at rest; itself when it rests already and the product ignores that."""
        self.must_be_open()
        if self.state is State.PAUSED and self.policy.pause_again is PauseAgain.NOTHING:
            return self
        timed = self._record_elapsed(reported, now)
        # Where work is handed in, pausing saves it: the draft is there, its time is told.
        saved_at = now if self.policy.submits else self.draft_saved_at
        return timed.with_values(state=State.PAUSED, active_since=None, draft_saved_at=saved_at)._changed(now)

    def resume(self, *, now: datetime) -> PracticeSession:
        """Returns the session going on; itself when it is going on already."""
        self.must_be_open()
        if self.state is State.ACTIVE:
            return self
        return self.with_values(state=State.ACTIVE, active_since=now)._changed(now)

    def record_answer(self, *, correct: bool, before: SessionItem | None, now: datetime) -> PracticeSession:
        """Returns the session with one more answer counted.

        `before` is the picked item as it was before the answer, None where
        items are not picked.
        """
        self.must_be_open()
        return self.with_values(
            answer_count=self.answer_count + 1,
            correct_answer_count=self.correct_answer_count + correct,
            right_run=self.right_run + 1 if correct else 0,
            answered_item_count=self.answered_item_count + _newly_answered(before),
            mastered_item_count=self.mastered_item_count + _mastery_change(before, correct),
            version=self.version + 1,
            updated_at=now,
        )

    def save_draft(
        self, *, draft_hash: str, base_hash: str, reported: int | None, now: datetime
    ) -> PracticeSession:
        """Returns the session with a draft handed in, the time recorded.

        Raises EtagMismatchError when `base_hash` is given and is not the hash
        of the stored draft: another device saved something else in between.
        """
        self.must_be_open()
        if base_hash and self.draft_hash not in (base_hash, draft_hash):
            raise EtagMismatchError(self.draft_hash)
        timed = self if reported is None else self._record_elapsed(reported, now)
        return timed.with_values(draft_hash=draft_hash, draft_saved_at=now)._changed(now)

    def add_message(self, content: str, *, now: datetime) -> PracticeSession:
        """Returns the session with one more line of conversation. Raises ConversationFullError."""
        self.must_be_open()
        told = self.with_values(
            message_count=self.message_count + 1,
            message_bytes=add_line(self.message_bytes, content),
        )
        return told._changed(now)

    def annotate(self, note: str, *, now: datetime) -> PracticeSession:
        """Returns the session with a note, open or ended; itself when it says the same already."""
        return self if note == self.note else self.with_values(note=note)._changed(now)

    def end(
        self,
        outcome: State,
        *,
        user_seq: int,
        calendar: Calendar,
        now: datetime,
        reported: int | None = None,
    ) -> PracticeSession:
        """Returns the session ended: the user's day it falls on is frozen with it.

        A clock that stepped back does not end a session before its start.
        """
        self.must_be_open()
        if outcome not in self.policy.outcomes:
            raise OutcomeNotAllowedError(self.product, outcome)
        ended_at = max(now, self.started_at)
        timed = self._record_elapsed(reported, ended_at)
        return timed.with_values(
            state=outcome,
            active_since=None,
            ended_at=ended_at,
            time_zone=calendar.time_zone,
            rollover_hour=calendar.rollover_hour,
            local_date=calendar.local_date(ended_at),
            user_seq=user_seq,
            version=timed.version + 1,
            updated_at=now,
        )

    def _changed(self, now: datetime) -> PracticeSession:
        return self.with_values(version=self.version + 1, updated_at=now)

    def _record_elapsed(self, reported: int | None, now: datetime) -> PracticeSession:
        """Returns the session with its elapsed time settled by the product's rule."""
        rule = self.policy.elapsed
        if rule is Elapsed.MEASURED:
            if self.active_since is None:
                return self
            # Only whole seconds are settled: the anchor keeps the rest, or
            # frequent settling would lose it each time.
            settled = self.elapsed_at(now)
            step = timedelta(seconds=settled - self.elapsed_seconds)
            return self.with_values(elapsed_seconds=settled, active_since=self.active_since + step)
        if reported is None:
            return self
        bounds = self.policy.elapsed_bounds
        if not bounds.hold(reported):
            raise DurationOutOfRangeError("elapsed", bounds.minimum, bounds.maximum)
        if rule is Elapsed.RISING and reported < self.elapsed_seconds:
            raise ElapsedWentBackError(self.elapsed_seconds, reported)
        kept = max(reported, self.elapsed_seconds) if rule is Elapsed.LARGEST else reported
        lead = timedelta(seconds=kept) - (now - self.started_at)
        return self.with_values(elapsed_seconds=kept, implausible=lead > PLAUSIBLE_LEAD)


_NAMES = tuple(each.name for each in fields(PracticeSession))
_PLACES = {name: place for place, name in enumerate(_NAMES)}
_SETTERS = tuple(getattr(PracticeSession, name).__set__ for name in _NAMES)
_values_of = attrgetter(*_NAMES)


def _newly_answered(before: SessionItem | None) -> int:
    return int(before is not None and before.attempt_count == 0)


def _mastery_change(before: SessionItem | None, correct: bool) -> int:
    """Returns 1 for a first answer that is right, -1 for the first wrong one of a mastered item."""
    if before is None:
        return 0
    if before.attempt_count == 0:
        return int(correct)
    return -1 if before.mastered and not correct else 0


def _checked_mode(policy: Policy, mode: str) -> str:
    if not mode:
        return policy.modes[0] if policy.modes else ""
    if mode not in policy.modes:
        raise ModeUnknownError(mode, policy.modes)
    return mode


def _checked_content(policy: Policy, content: str) -> str:
    kind = content.partition("/")[0]
    if (content and kind != policy.content) or (not content and policy.content_required):
        raise ContentMismatchError(policy.product, policy.content)
    return content


def _checked_plan(policy: Policy, planned_seconds: int | None) -> int | None:
    if policy.planned is None:
        return None
    if planned_seconds is None or not policy.planned.hold(planned_seconds):
        raise DurationOutOfRangeError("planned_duration", policy.planned.minimum, policy.planned.maximum)
    return planned_seconds
