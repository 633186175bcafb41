"""Whatever is asked of a session in whatever order, its promises hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from service_kit.errors import ServiceError
from session_service.domain.days import Calendar
from session_service.domain.errors import ElapsedWentBackError, SessionEndedError
from session_service.domain.policies import Elapsed, OpenScope
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import State
from tests.session_service.domain.sessions import PRODUCTS, START, started

REPORTS = st.none() | st.integers(-5, 20_000)
ENDS = st.sampled_from([State.COMPLETED, State.PARTIAL, State.ABANDONED])


class Lifecycle(RuleBasedStateMachine):
    """Asks anything of one session, with a clock that also steps back."""

    @initialize(product=st.sampled_from(PRODUCTS))
    def start(self, product: str) -> None:
        self.session = started(product)
        self.now = START
        self.largest_report = 0

    def _ask(self, change: Callable[[], PracticeSession], reported: int | None = None) -> None:
        before = self.session
        try:
            after = change()
        except ServiceError as refusal:
            assert before.state.is_open or isinstance(refusal, SessionEndedError)
            if isinstance(refusal, ElapsedWentBackError):
                assert before.policy.elapsed is Elapsed.RISING
            return
        assert before.state.is_open, "an ended session never changes"
        assert (after is before) or after.version == before.version + 1
        assert after is before or after.updated_at == self.now
        self._check_elapsed(before, after)
        self.session = after

    def _check_elapsed(self, before: PracticeSession, after: PracticeSession) -> None:
        if before.policy.elapsed is not Elapsed.REPORTED:
            assert after.elapsed_seconds >= before.elapsed_seconds
        assert after.policy.elapsed_bounds.hold(after.elapsed_seconds)

    @rule(seconds=st.integers(-120, 4000), micros=st.integers(0, 999_999))
    def time_passes(self, seconds: int, micros: int) -> None:
        self.now += timedelta(seconds=seconds, microseconds=micros)

    @rule(reported=REPORTS)
    def pause(self, reported: int | None) -> None:
        self._ask(lambda: self.session.pause(now=self.now, reported=reported))

    @rule()
    def resume(self) -> None:
        self._ask(lambda: self.session.resume(now=self.now))

    @rule(correct=st.booleans())
    def answer(self, correct: bool) -> None:
        self._ask(lambda: self.session.record_answer(correct=correct, before=None, now=self.now))

    @rule(draft=st.sampled_from("abc"), base=st.sampled_from(["", "a", "b"]), reported=REPORTS)
    def save(self, draft: str, base: str, reported: int | None) -> None:
        self._ask(
            lambda: self.session.save_draft(draft_hash=draft, base_hash=base, reported=reported, now=self.now)
        )

    @rule()
    def chat(self) -> None:
        self._ask(lambda: self.session.add_message("Why?", now=self.now))

    @rule(outcome=ENDS, reported=REPORTS, zone=st.sampled_from(["UTC", "Asia/Kolkata", "Pacific/Apia"]))
    def end(self, outcome: State, reported: int | None, zone: str) -> None:
        calendar = Calendar(zone, 3)
        self._ask(
            lambda: self.session.end(outcome, user_seq=9, calendar=calendar, now=self.now, reported=reported)
        )

    @invariant()
    def an_end_is_an_end(self) -> None:
        session = self.session
        ended = session.state not in (State.ACTIVE, State.PAUSED)
        assert (session.ended_at is not None) is ended
        assert (session.local_date is not None) is ended
        assert (session.user_seq == 9) is ended
        practised = session.answer_count > 0 or session.product not in ("exercises", "portal")
        assert session.counts is (session.state is State.COMPLETED and practised)
        if session.ended_at is not None:
            assert session.ended_at >= session.started_at
            assert session.local_date == Calendar(session.time_zone, 3).local_date(session.ended_at)

    @invariant()
    def a_slot_is_held_only_while_open(self) -> None:
        limited = self.session.policy.open_scope is not OpenScope.ANY_NUMBER
        assert (self.session.open_slot is not None) is (limited and self.session.state.is_open)

    @invariant()
    def time_runs_only_while_active(self) -> None:
        assert (self.session.active_since is not None) is (self.session.state is State.ACTIVE)
        assert self.session.elapsed_at(self.now) >= self.session.elapsed_seconds >= 0

    @invariant()
    def figures_fit_together(self) -> None:
        assert 0 <= self.session.correct_answer_count <= self.session.answer_count
        assert 0 <= self.session.score_percentage <= 100
        assert self.session.etag == f'"{self.session.version}"'


TestLifecycle = Lifecycle.TestCase
TestLifecycle.settings = settings(max_examples=120, stateful_step_count=25, deadline=None)


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_session_cannot_be_altered_in_place(product: str) -> None:
    session = started(product)
    with pytest.raises(AttributeError):
        session.version = 2  # type: ignore[misc]
