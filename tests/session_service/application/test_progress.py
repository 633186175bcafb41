"""Summaries, streaks and months."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from service_kit.call import Call
from service_kit.errors import UnavailableError
from session_service.application.ports.readers import SessionSelection
from session_service.application.ports.sessions import SessionRef, Summary
from session_service.application.ports.statistics import DayOfPractice, Streak
from session_service.application.progress import Month
from session_service.domain.days import Calendar
from session_service.domain.errors import SessionEndedError
from session_service.domain.states import State
from tests.session_service.memory.world import World, keyed

ME = Call(5)


@pytest.mark.parametrize(
    ("summary", "average", "percentage"),
    [
        (Summary(0, 0, 0), 0, 0.0),
        (Summary(3, 0, 0), 0, 0.0),
        (Summary(30, 25, 22_500), 900, 83.3),
        (Summary(3, 2, 5), 2, 66.7),
        (Summary(3, 3, 5), 2, 100.0),
    ],
)
def test_a_summary_knows_its_mean_and_its_share(summary: Summary, average: int, percentage: float) -> None:
    assert (summary.average_seconds, summary.completion_percentage) == (average, percentage)


async def test_an_end_and_its_figures_are_one_commit_and_a_repeat_gets_both(world: World) -> None:
    first, second = await world.start("yoga"), await world.start("yoga")
    await world.start("focus")
    await world.start("yoga", user_id=6)
    ref = SessionRef(first.id, "yoga")
    commits = world.store.commits

    ended = await world.use.complete_with_summary(keyed("end"), ref, outcome=State.COMPLETED, reported=60)

    assert (ended.session.state, ended.session.elapsed_seconds) == (State.COMPLETED, 60)
    assert ended.summary == Summary(2, 1, 60) == await world.use.get_summary(ME, "yoga")
    assert world.store.commits == commits + 1
    assert world.statistics.waited_for == [(5, 1)]
    other = SessionRef(second.id, "yoga")
    partial = await world.use.complete_with_summary(ME, other, outcome=State.PARTIAL, reported=30)
    assert partial.summary == Summary(2, 1, 60)
    again = await world.use.complete_with_summary(keyed("end"), ref, outcome=State.COMPLETED, reported=60)
    assert again == ended
    with pytest.raises(SessionEndedError):
        await world.use.complete_with_summary(ME, ref, outcome=State.COMPLETED, reported=60)
    assert len(world.tables.outbox) == 2


async def test_the_streak_is_read_after_the_users_last_end_is_in_it(world: World) -> None:
    assert await world.use.get_streak(ME, "yoga") == Streak(3, 5)
    assert world.statistics.waited_for == []
    session = await world.start("yoga")
    await world.use.abandon_session(ME, SessionRef(session.id))
    world.statistics.late = True

    assert await world.use.get_streak(ME, "yoga") == Streak(3, 5)
    assert world.statistics.waited_for == [(5, 1)]


async def test_a_month_is_the_one_asked_for_or_the_users_present_one(world: World) -> None:
    days = [DayOfPractice(date(2026, 1, 31), 1, 60), DayOfPractice(date(2026, 2, 1), 2, 90)]
    world.statistics.practised = days
    world.clock.now = datetime(2026, 2, 1, 7, tzinfo=UTC)

    assert await world.use.get_month(ME, "yoga") == Month(date(2026, 2, 1), days[1:])
    assert await world.use.get_month(ME, "yoga", date(2026, 1, 15)) == Month(date(2026, 1, 1), days[:1])
    world.tables.calendars[5] = Calendar("America/Los_Angeles")
    assert await world.use.get_month(ME, "yoga") == Month(date(2026, 1, 1), days[:1])


async def test_a_month_is_read_after_the_users_last_end_is_in_it(world: World) -> None:
    await world.use.get_month(ME, "yoga")
    assert world.statistics.waited_for == []
    await world.use.abandon_session(ME, SessionRef((await world.start("yoga")).id))
    await world.use.get_month(ME, "yoga")
    assert world.statistics.waited_for == [(5, 1)]


async def test_silent_statistics_are_an_error_of_those_who_ask(world: World) -> None:
    world.statistics.down = True
    for use in (world.use.get_streak, world.use.get_month):
        with pytest.raises(UnavailableError):
            await use(ME, "yoga")


async def test_a_page_of_sessions_has_open_and_ended_ones_and_their_total(world: World) -> None:
    sessions = [await world.start("yoga") for _ in range(3)]
    ended = (await world.use.abandon_session(ME, SessionRef(sessions[1].id))).id
    page = await world.use.list_sessions.page(SessionSelection(user_id=5, product="yoga", limit=2))
    assert ([session.id for session in page.sessions], page.total) == ([sessions[2].id, ended], 3)
