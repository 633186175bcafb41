"""The zone a client sends is kept, told to other contexts, and not written with each call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from service_kit.call import Call, enter_call, reach
from session_service.application.ports.sessions import SessionRef
from session_service.domain.days import Calendar
from session_service.domain.events import CalendarChanged
from tests.session_service.memory.readers import FakeReaders
from tests.session_service.memory.world import World

SIGN_UP = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


async def say(world: World, name: str | None, user_id: int = 5, signed_up_at: datetime | None = None) -> None:
    await world.use.remember_calendar.of_call(Call(user_id, time_zone=name, signed_up_at=signed_up_at))


def zones(world: World) -> list[str]:
    return [change.calendar.time_zone for change in world.tables.calendar_changes]


async def test_a_new_zone_is_in_force_from_now_on_and_told(world: World) -> None:
    world.tables.calendars[5] = Calendar("UTC", 4)
    await say(world, "Asia/Tokyo")
    assert world.tables.calendars[5] == Calendar("Asia/Tokyo", 4)
    (change,) = world.tables.calendar_changes
    assert (change.user_seq, change.effective_at) == (1, world.clock.now)
    assert world.tables.outbox == [CalendarChanged.of(change)]
    assert world.store.commits == 1


async def test_changes_and_ends_share_one_sequence(world: World) -> None:
    await say(world, "Asia/Tokyo")
    await world.use.complete_session(Call(5), SessionRef((await world.start("yoga")).id))
    await say(world, "Europe/Berlin")
    assert [event.user_seq for event in world.tables.outbox] == [1, 2, 3]


async def test_a_sign_up_is_remembered_with_the_zone_or_without_one(world: World) -> None:
    await say(world, None, signed_up_at=SIGN_UP)
    await say(world, "Asia/Tokyo", 6, signed_up_at=SIGN_UP)
    first, second = world.tables.outbox
    assert isinstance(first, CalendarChanged)
    assert isinstance(second, CalendarChanged)
    assert (first.time_zone, first.signed_up_at) == ("UTC", SIGN_UP)
    assert (second.time_zone, second.signed_up_at) == ("Asia/Tokyo", SIGN_UP)


@pytest.mark.parametrize(
    "call", [Call(5), Call(0, time_zone="Asia/Tokyo"), Call(0, signed_up_at=SIGN_UP)], ids=repr
)
async def test_without_news_or_a_user_nothing_is_written(world: World, call: Call) -> None:
    await world.use.remember_calendar.of_call(call)
    assert world.store.commits == 0


async def test_the_same_zone_again_needs_no_transaction(world: World) -> None:
    for _ in range(10):
        await say(world, "Asia/Tokyo", signed_up_at=SIGN_UP)
        world.clock.advance(5)
    assert world.store.commits == 1
    assert len(world.tables.calendar_changes) == len(world.tables.outbox) == 1


async def test_a_zone_that_another_process_changed_meanwhile_is_put_right_at_once(world: World) -> None:
    await say(world, "Asia/Tokyo")
    world.tables.calendars[5] = Calendar("Europe/Berlin")
    await say(world, "Asia/Tokyo")
    assert world.tables.calendars[5] == Calendar("Asia/Tokyo")


async def test_what_a_call_has_read_along_is_not_looked_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await say(world, "Asia/Tokyo")

    async def nobody_looks(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(FakeReaders, "learner_mark", nobody_looks)
    call = Call(5, time_zone="Japan")
    enter_call(call)
    reach(1, "Asia/Tokyo")
    await world.use.remember_calendar.of_call(call)
    assert zones(world) == ["Asia/Tokyo"]
    # What another process was told since is what the call has read.
    reach(2, "Europe/Berlin")
    world.tables.calendars[5] = Calendar("Europe/Berlin")
    await world.use.remember_calendar.of_call(call)
    assert zones(world) == ["Asia/Tokyo", "Japan"]


async def test_a_start_that_brings_another_zone_begins_in_it(world: World) -> None:
    await say(world, "Asia/Tokyo")
    world.tables.calendars[5] = Calendar("America/New_York", 4)
    started = await world.use.start_session(Call(5, time_zone="Asia/Tokyo"), product="yoga")
    assert started.session.time_zone == "Asia/Tokyo"
    assert world.tables.calendars[5] == Calendar("Asia/Tokyo", 4)


async def test_a_session_ends_on_the_day_of_the_zone_that_its_call_says_whatever_another_process_was_told(
    world: World,
) -> None:
    await say(world, "Asia/Tokyo")
    session = await world.start("yoga")
    world.tables.calendars[5] = Calendar("America/New_York", 4)

    ref = SessionRef(session.id)
    ended = await world.use.complete_session(Call(5, time_zone="Asia/Tokyo"), ref)

    assert ended.session.time_zone == "Asia/Tokyo"
    assert world.tables.calendars[5] == Calendar("Asia/Tokyo", 4)
    change, end = world.tables.outbox[-2:]
    assert isinstance(change, CalendarChanged)
    assert (change.user_seq, end.user_seq) == (2, 3)


@pytest.mark.parametrize("said", [None, "Asia/Kolkata"])
async def test_an_end_that_says_no_zone_or_the_one_in_force_changes_none(
    world: World, said: str | None
) -> None:
    await say(world, "Asia/Calcutta")
    session = await world.start("yoga")
    ended = await world.use.complete_session(Call(5, time_zone=said), SessionRef(session.id))
    assert ended.session.time_zone == "Asia/Calcutta"
    assert [event.user_seq for event in world.tables.outbox] == [1, 2]


async def test_each_change_is_written_and_a_way_back_too(world: World) -> None:
    for name in ("Asia/Tokyo", "Europe/Berlin", "Asia/Tokyo"):
        world.clock.advance(1)
        await say(world, name)
    assert zones(world) == ["Asia/Tokyo", "Europe/Berlin", "Asia/Tokyo"]


async def test_changes_within_one_instant_keep_their_order(world: World) -> None:
    for name in ("Asia/Tokyo", "Europe/Berlin", "UTC"):
        await say(world, name)
    instants = [change.effective_at for change in world.tables.calendar_changes]
    assert instants == sorted(set(instants))
    assert zones(world) == ["Asia/Tokyo", "Europe/Berlin", "UTC"]


async def test_the_changes_told_again_are_those_that_left(world: World) -> None:
    for name, user_id in (("Asia/Tokyo", 5), ("Europe/Berlin", 6), ("UTC", 5)):
        await say(world, name, user_id)
    assert [event async for event in world.use.export_calendar_changes()] == world.tables.outbox
    mine = [event async for event in world.use.export_calendar_changes(user_id=6)]
    assert mine == world.tables.outbox[1:2]


async def test_users_are_kept_apart(world: World) -> None:
    await say(world, "Asia/Tokyo", 5)
    await say(world, "Asia/Tokyo", 6)
    assert set(world.tables.calendars) == {5, 6}


async def test_a_zone_that_could_not_be_stored_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("the database went away")

    monkeypatch.setattr("tests.session_service.memory.unit_of_work.FakeUnitOfWork.commit", fail)
    with pytest.raises(RuntimeError):
        await say(world, "Asia/Tokyo")
    monkeypatch.undo()
    await say(world, "Asia/Tokyo")
    assert world.tables.calendars[5].time_zone == "Asia/Tokyo"


async def test_a_zone_said_by_hand_is_in_force_until_the_client_sends_its_own_again(world: World) -> None:
    await say(world, "Asia/Tokyo")
    updated = await world.use.update_calendar(Call(5), time_zone="Europe/Berlin", rollover_hour=4)
    assert updated.calendar == world.tables.calendars[5] == Calendar("Europe/Berlin", 4)

    world.clock.advance(1)
    await say(world, "Asia/Tokyo")
    assert world.tables.calendars[5] == Calendar("Asia/Tokyo", 4)


async def test_the_calendar_is_shown_with_those_before_it(world: World) -> None:
    for name in ("Asia/Tokyo", "Europe/Berlin"):
        world.clock.advance(1)
        await say(world, name, signed_up_at=SIGN_UP)
    learner, changes = await world.use.get_calendar(Call(5))
    assert (learner.calendar.time_zone, learner.signed_up_at) == ("Europe/Berlin", SIGN_UP)
    assert learner.effective_at == world.clock.now
    assert [change.effective_at for change in changes] == [
        world.clock.now,
        world.clock.now - timedelta(seconds=1),
    ]
