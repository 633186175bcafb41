"""Completing, and what it led to."""

from __future__ import annotations

import pytest

from service_kit.call import Call
from session_service.application.ports.sessions import SessionRef
from session_service.application.ports.statistics import Badge, Effects, Streak
from session_service.domain.answers import SubmittedAnswer
from session_service.domain.errors import SessionEndedError
from session_service.domain.states import State
from tests.session_service.memory.world import World, keyed

ME = Call(5)
REF = SessionRef(1, "portal")


async def practise(world: World, *answers: tuple[str, str]) -> None:
    await world.start("portal")
    for item, text in answers:
        await world.use.submit_answers(ME, REF, [SubmittedAnswer(item, text)])


async def test_the_results_are_told_with_the_completed_session(world: World) -> None:
    world.statistics.standing = Effects(Streak(2, 7), (Badge("First", "One session"),), pending=False)
    right = [("words/1", "hable"), ("words/2", "hable"), ("words/4", "hable"), ("words/5", "hable")]
    await practise(world, ("words/3", "no"), *right)

    session, results = await world.use.complete_with_results(ME, REF)

    assert session.state is State.COMPLETED
    assert session == world.tables.sessions[1]
    assert results.streak == Streak(2, 7)
    assert [each.title for each in results.achievements] == ["Sharp"]
    assert results.badges == [Badge("First", "One session")]
    assert results.missed_items == ["words/3"]
    assert not results.statistics_pending


@pytest.mark.parametrize("down", [False, True])
async def test_late_or_silent_statistics_leave_the_session_completed_and_say_so(
    world: World, down: bool
) -> None:
    world.statistics.standing = Effects(Streak(0, 4), (), pending=True)
    world.statistics.down = world.catalog.down = down
    world.catalog.down = False
    await practise(world)
    world.catalog.down = down

    session, results = await world.use.complete_with_results(ME, REF)

    assert session.state is State.COMPLETED
    assert results.streak == (Streak(1, 1) if down else Streak(1, 4))
    assert results.statistics_pending
    assert len(world.tables.outbox) == 1


async def test_a_repeat_gets_the_first_results_and_nothing_happens_again(world: World) -> None:
    await practise(world, ("words/1", "no"))
    first = await world.use.complete_with_results(keyed("end"), REF)
    world.statistics.standing = Effects(Streak(8, 8), (), pending=False)
    commits = world.store.commits

    assert await world.use.complete_with_results(keyed("end"), REF) == first
    assert world.store.commits == commits


async def test_a_second_completion_is_refused(world: World) -> None:
    await practise(world)
    await world.use.complete_with_results(ME, REF)

    with pytest.raises(SessionEndedError):
        await world.use.complete_with_results(ME, REF)
    assert len(world.tables.outbox) == 1
