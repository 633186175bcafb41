"""Starting, and what happens when a session is open already."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from service_kit.call import Call
from service_kit.errors import ServiceError, UnavailableError
from session_service.application.ports.sessions import SessionRef
from session_service.application.start_session import OnConflict
from session_service.domain.days import Calendar
from session_service.domain.errors import SessionAlreadyOpenError
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change, State
from tests.session_service.memory.unit_of_work import FakeSessions
from tests.session_service.memory.world import World, keyed

ME = Call(5)


async def test_a_started_session_is_stored_under_a_number_in_one_commit(world: World) -> None:
    world.tables.calendars[5] = Calendar("Asia/Tokyo", 4)
    started = await world.use.start_session(ME, product="exercises", mode="review")
    assert not started.resumed
    assert world.tables.sessions == {started.session.id: started.session}
    assert (started.session.user_id, started.session.mode) == (5, "review")
    assert started.session.started_at == world.clock.now
    assert (started.session.time_zone, started.session.rollover_hour) == ("Asia/Tokyo", 4)
    assert world.store.commits == 1
    assert world.tables.outbox == []


@pytest.mark.parametrize("product", ["exercises", "portal", "yoga"])
async def test_any_number_may_be_open_where_the_product_allows_it(world: World, product: str) -> None:
    sessions = [await world.start(product) for _ in range(3)]
    assert len({session.id for session in sessions}) == 3


@pytest.mark.parametrize("rest", [False, True])
async def test_a_second_focus_session_is_refused_while_one_is_open_or_paused(
    world: World, rest: bool
) -> None:
    first = await world.start("focus")
    if rest:
        await world.use.pause_session(ME, SessionRef(first.id), reported=0)
    before = world.store.commits
    with pytest.raises(SessionAlreadyOpenError) as refused:
        await world.start("focus")
    assert refused.value.metadata == {"session": f"sessions/{first.id}"}
    assert world.store.commits == before
    assert len(world.tables.sessions) == 1


async def test_the_slot_is_each_users_own(world: World) -> None:
    await world.start("focus", user_id=5)
    assert (await world.start("focus", user_id=6)).user_id == 6


async def test_a_focus_session_starts_again_after_the_end_of_the_one_before(world: World) -> None:
    first = await world.start("focus")
    await world.use.abandon_session(ME, SessionRef(first.id))
    assert (await world.start("focus")).state is State.ACTIVE


async def test_a_second_start_of_a_problem_answers_the_open_session_as_it_is(world: World) -> None:
    first = await world.start("design")
    paused = await world.use.pause_session(ME, SessionRef(first.id), reported=60)
    again = await world.use.start_session(ME, product="design", content="problems/7")
    assert again.resumed
    assert again.session == paused
    assert len(world.tables.sessions) == 1


async def test_another_problem_is_another_session(world: World) -> None:
    await world.start("design")
    other = await world.use.start_session(ME, product="design", content="problems/8")
    assert not other.resumed
    assert len(world.tables.sessions) == 2


@pytest.mark.parametrize("product", ["focus", "design"])
async def test_the_caller_may_want_a_refusal_of_any_product(world: World, product: str) -> None:
    await world.start(product)
    with pytest.raises(SessionAlreadyOpenError):
        await world.start(product, on_conflict=OnConflict.REJECT)


@pytest.mark.parametrize("product", ["focus", "design"])
async def test_the_caller_may_abandon_the_open_one_and_start_in_one_commit(
    world: World, product: str
) -> None:
    first = await world.start(product)
    world.clock.advance(100)
    second = await world.start(product, on_conflict=OnConflict.ABANDON)
    assert second.id != first.id
    assert second.state is State.ACTIVE
    assert world.tables.sessions[first.id].state is State.ABANDONED
    assert world.changes(first.id) == [Change.ENDED]
    assert [(event.session_id, event.counts) for event in world.tables.outbox] == [(first.id, False)]
    assert world.store.commits == 2


async def test_abandoning_without_an_open_one_is_a_plain_start(world: World) -> None:
    assert (await world.start("focus", on_conflict=OnConflict.ABANDON)).state is State.ACTIVE
    assert world.tables.outbox == []


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"product": "chess"}, "PRODUCT_UNKNOWN"),
        ({"product": "chess", "content": "activities/123"}, "PRODUCT_UNKNOWN"),
        ({"product": "exercises", "mode": "exam"}, "MODE_UNKNOWN"),
        ({"product": "portal"}, "CONTENT_MISMATCH"),
        ({"product": "portal", "content": "problems/404"}, "CONTENT_MISMATCH"),
        ({"product": "portal", "content": "activities/404"}, "CONTENT_NOT_FOUND"),
        ({"product": "yoga", "content": "sequences/404"}, "CONTENT_NOT_FOUND"),
        ({"product": "focus"}, "DURATION_OUT_OF_RANGE"),
    ],
)
async def test_what_cannot_start_leaves_nothing_and_no_key(
    world: World, arguments: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ServiceError) as refused:
        await world.use.start_session(keyed("k"), **arguments)
    assert refused.value.reason == reason
    assert (world.store.commits, world.tables.sessions, world.tables.keys) == (0, {}, {})


async def test_free_practice_needs_no_catalog_and_content_does(world: World) -> None:
    world.catalog.down = True
    await world.start("yoga")
    with pytest.raises(UnavailableError):
        await world.start("yoga", content="sequences/123")
    assert len(world.tables.sessions) == 1


async def test_a_repeated_start_gets_its_first_answer_even_when_the_content_is_gone(world: World) -> None:
    first = await world.use.start_session(keyed("k"), product="design", content="problems/7")
    world.catalog.contents.clear()
    assert await world.use.start_session(keyed("k"), product="design", content="problems/7") == first


async def test_of_many_starts_at_once_one_wins(world: World) -> None:
    outcomes = await asyncio.gather(*(world.start("focus") for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(outcome, PracticeSession) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, SessionAlreadyOpenError) for outcome in outcomes) == 4


async def test_an_open_session_that_ends_under_our_eyes_lets_the_start_try_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, misses = FakeSessions.add, iter([True, True, False])

    async def racing(self: FakeSessions, session: PracticeSession) -> PracticeSession | None:
        return None if next(misses) else await real(self, session)

    monkeypatch.setattr(FakeSessions, "add", racing)
    assert (await world.start("focus")).id == 1


async def test_an_endless_race_is_given_up_and_may_be_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = 0

    async def taken(self: FakeSessions, session: PracticeSession) -> None:
        nonlocal attempts
        attempts += 1
        assert attempts < 100

    monkeypatch.setattr(FakeSessions, "add", taken)
    with pytest.raises(UnavailableError):
        await world.start("focus")
    assert attempts > 1
    assert world.store.commits == 0
