"""Where the time practised comes from."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from session_service.domain.days import Calendar
from session_service.domain.errors import DurationOutOfRangeError, ElapsedWentBackError
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import State
from tests.session_service.domain.sessions import START, at, end, started


def save(session: PracticeSession, seconds: float, reported: int | None) -> PracticeSession:
    return session.save_draft(draft_hash="h", base_hash="", reported=reported, now=at(seconds))


@pytest.mark.parametrize("product", ["exercises", "portal"])
def test_measured_time_leaves_the_pauses_out(product: str) -> None:
    session = started(product)
    assert session.elapsed_at(at(99)) == 99
    session = session.pause(now=at(100))
    assert (session.elapsed_seconds, session.elapsed_at(at(5000))) == (100, 100)
    session = session.resume(now=at(1000))
    assert session.elapsed_at(at(1030)) == 130
    session = end(session, now=at(1060))
    assert (session.elapsed_seconds, session.elapsed_at(at(9999))) == (160, 160)


def test_measured_time_ends_with_the_pause_of_a_paused_session() -> None:
    session = started("portal").pause(now=at(30))
    assert end(session, now=at(500)).elapsed_seconds == 30


def test_measured_time_takes_no_word_of_the_client() -> None:
    assert end(started("exercises"), now=at(10), reported=5000).elapsed_seconds == 10
    assert started("exercises").pause(now=at(10), reported=-1).elapsed_seconds == 10


def test_measured_time_is_anchored_and_loses_nothing_however_often_it_is_settled() -> None:
    session = started("portal")
    for tenths in range(9, 1000, 9):
        session = save(session, tenths / 10, reported=0)
    assert session.elapsed_at(at(99.9)) == 99


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 10_000)), min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
def test_measured_time_is_the_sum_of_the_active_stretches(steps: list[tuple[bool, int]]) -> None:
    session, now, active = started("portal"), 0, 0
    for rest, seconds in steps:
        now += seconds
        active += seconds if session.state is State.ACTIVE else 0
        assert session.elapsed_at(at(now)) == active
        session = session.pause(now=at(now)) if rest else session.resume(now=at(now))
    assert end(session, now=at(now)).elapsed_seconds == active


def test_a_clock_that_steps_back_takes_no_measured_time_away() -> None:
    session = started("portal").pause(now=at(100)).resume(now=at(200))
    assert session.elapsed_at(at(150)) == 100
    assert session.pause(now=at(150)).elapsed_seconds == 100
    assert end(session, now=at(-3600)).elapsed_seconds == 100


@pytest.mark.parametrize("product", ["exercises", "yoga", "focus", "design"])
def test_a_clock_that_steps_back_ends_no_session_before_its_start(product: str) -> None:
    session = end(started(product), now=at(-86_400), calendar=Calendar("Asia/Tokyo"))
    assert session.ended_at == START
    assert session.local_date == Calendar("Asia/Tokyo").local_date(START)
    assert session.elapsed_seconds == 0
    assert not session.implausible


def test_reported_time_is_the_latest_word_even_when_it_is_smaller() -> None:
    session = started("yoga").pause(now=at(300), reported=300).pause(now=at(310), reported=250)
    assert session.elapsed_seconds == 250
    assert end(session, now=at(400), reported=10).elapsed_seconds == 10


@pytest.mark.parametrize("reported", [0, 14_400])
def test_reported_time_is_at_most_four_hours(reported: int) -> None:
    assert end(started("yoga"), now=at(20_000), reported=reported).elapsed_seconds == reported


@pytest.mark.parametrize("reported", [-1, 14_401])
def test_reported_time_outside_of_its_bounds_is_refused(reported: int) -> None:
    with pytest.raises(DurationOutOfRangeError) as refused:
        end(started("yoga"), now=at(20_000), reported=reported)
    assert refused.value.metadata == {"field": "elapsed", "minimum": "0", "maximum": "14400"}


def test_rising_time_never_goes_back() -> None:
    session = started("focus").pause(now=at(750), reported=750).resume(now=at(800))
    for change in (
        lambda: session.pause(now=at(900), reported=749),
        lambda: end(session, State.ABANDONED, now=at(900), reported=749),
        lambda: save(session, 900, reported=749),
    ):
        with pytest.raises(ElapsedWentBackError) as refused:
            change()
        assert refused.value.metadata == {"recorded": "750", "reported": "749"}
    assert end(session, now=at(900), reported=750).elapsed_seconds == 750


def test_rising_time_is_what_the_client_says_and_not_what_the_server_measures() -> None:
    session = started("focus").pause(now=at(2000), reported=750)
    assert session.resume(now=at(3000)).elapsed_at(at(9000)) == 750


def test_pausing_a_paused_focus_session_records_no_time() -> None:
    session = started("focus").pause(now=at(100), reported=100)
    assert session.pause(now=at(200), reported=200) is session
    assert session.pause(now=at(200), reported=50) is session


@pytest.mark.parametrize("product", ["yoga", "design"])
def test_pausing_a_paused_session_records_the_time_where_the_product_says_so(product: str) -> None:
    session = started(product).pause(now=at(100), reported=100).pause(now=at(200), reported=200)
    assert (session.state, session.elapsed_seconds, session.version) == (State.PAUSED, 200, 3)


def test_of_the_times_a_design_client_reports_the_largest_is_kept() -> None:
    session = save(started("design"), 600, reported=500)
    assert save(session, 700, reported=300).elapsed_seconds == 500
    assert session.pause(now=at(700), reported=499).elapsed_seconds == 500
    assert end(session, now=at(700), reported=501).elapsed_seconds == 501


@pytest.mark.parametrize("product", ["yoga", "focus", "design"])
def test_without_a_report_the_recorded_time_stays(product: str) -> None:
    session = started(product).pause(now=at(100), reported=100)
    assert end(session, now=at(500)).elapsed_seconds == 100
    assert save(session, 500, reported=None).elapsed_seconds == 100


@pytest.mark.parametrize("product", ["yoga", "focus", "design"])
def test_a_minute_more_than_the_wall_time_is_plausible_and_a_second_more_is_not(product: str) -> None:
    assert not end(started(product), now=at(100), reported=160).implausible
    late = end(started(product), now=at(100), reported=161)
    assert late.implausible
    assert late.elapsed_seconds == 161, "accepted and marked, not refused"


def test_the_lead_of_a_minute_is_exact_below_the_second() -> None:
    assert end(started("focus"), now=at(99.5), reported=160).implausible


def test_time_that_the_wall_clock_caught_up_with_is_plausible_again() -> None:
    session = started("focus").pause(now=at(10), reported=1000)
    assert session.implausible
    assert not end(session, now=at(1000), reported=1010).implausible


def test_measured_time_is_never_implausible() -> None:
    assert not end(started("portal"), now=at(100_000), reported=999_999).implausible


@pytest.mark.parametrize(("product", "longest"), [("focus", 86_400), ("design", 2**31 - 1)])
def test_a_report_of_more_than_a_session_can_have_is_refused(product: str, longest: int) -> None:
    assert end(started(product), now=at(10), reported=longest).elapsed_seconds == longest
    with pytest.raises(DurationOutOfRangeError):
        end(started(product), now=at(10), reported=longest + 1)
