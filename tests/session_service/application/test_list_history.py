"""The history and the mark that changes with it."""

from __future__ import annotations

from service_kit.call import Call
from session_service.application.ports.learners import LearnerMark
from session_service.application.ports.readers import SessionSelection
from session_service.application.ports.sessions import SessionRef
from session_service.domain.days import Calendar
from tests.session_service.memory.world import World

ME = Call(5)
MINE = SessionSelection(user_id=5, product="portal", limit=1)


async def test_only_ended_sessions_are_history_and_the_total_is_of_all(world: World) -> None:
    for _ in range(3):
        await world.start("portal")
    await world.use.abandon_session(ME, SessionRef(1))
    await world.use.complete_session(ME, SessionRef(2))

    history = await world.use.list_history(MINE)

    assert [session.id for session in history.sessions] == [2]
    assert history.total == 2
    assert history.mark == await world.use.list_history.mark(5)


async def test_the_mark_changes_with_each_end_and_with_nothing_else_of_the_user(world: World) -> None:
    world.tables.calendars[5] = Calendar("Asia/Tokyo", 4)
    await world.start("portal")
    before = await world.use.list_history.mark(5)
    assert before == LearnerMark(0, Calendar("Asia/Tokyo", 4))
    await world.start("portal", user_id=6)
    await world.use.abandon_session(Call(6), SessionRef(2))
    assert await world.use.list_history.mark(5) == before

    await world.use.complete_session(ME, SessionRef(1))

    assert (await world.use.list_history.mark(5)).last_seq == 1
