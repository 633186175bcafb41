"""The zone a client sends is kept, and not written with each call."""

from __future__ import annotations

import pytest

from service_kit.call import Call
from session_service.application import remember_time_zone
from session_service.domain.days import Calendar
from tests.session_service.application.fakes import World


def zone(name: str | None, user_id: int = 5) -> Call:
    return Call(user_id, time_zone=name)


async def test_a_new_zone_is_in_force_from_now_on(world: World) -> None:
    world.tables.calendars[5] = Calendar("UTC", 4)
    await world.use.remember_time_zone(zone("Asia/Tokyo"))
    assert world.tables.calendars[5] == Calendar("Asia/Tokyo", 4)
    assert world.tables.zone_history == [(5, "Asia/Tokyo", world.clock.now)]
    assert world.store.commits == 1


@pytest.mark.parametrize("call", [zone(None), zone("Asia/Tokyo", user_id=0)])
async def test_without_a_zone_or_a_user_nothing_is_written(world: World, call: Call) -> None:
    await world.use.remember_time_zone(call)
    assert world.store.commits == 0


async def test_the_same_zone_again_is_not_written_for_a_while(world: World) -> None:
    for _ in range(10):
        await world.use.remember_time_zone(zone("Asia/Tokyo"))
        world.clock.advance(5)
    assert world.store.commits == 1


async def test_a_zone_that_another_process_changed_meanwhile_is_put_right_soon(world: World) -> None:
    await world.use.remember_time_zone(zone("Asia/Tokyo"))
    world.tables.calendars[5] = Calendar("Europe/Berlin")
    world.clock.advance(61)
    await world.use.remember_time_zone(zone("Asia/Tokyo"))
    assert world.tables.calendars[5] == Calendar("Asia/Tokyo")


async def test_each_change_is_written_and_a_way_back_too(world: World) -> None:
    for name in ("Asia/Tokyo", "Europe/Berlin", "Asia/Tokyo"):
        world.clock.advance(1)
        await world.use.remember_time_zone(zone(name))
    assert [name for _, name, _ in world.tables.zone_history] == ["Asia/Tokyo", "Europe/Berlin", "Asia/Tokyo"]


async def test_users_are_kept_apart(world: World) -> None:
    await world.use.remember_time_zone(zone("Asia/Tokyo", 5))
    await world.use.remember_time_zone(zone("Asia/Tokyo", 6))
    assert set(world.tables.calendars) == {5, 6}


async def test_a_zone_that_could_not_be_stored_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("the database went away")

    monkeypatch.setattr("tests.session_service.application.memory.FakeUnitOfWork.commit", fail)
    with pytest.raises(RuntimeError):
        await world.use.remember_time_zone(zone("Asia/Tokyo"))
    monkeypatch.undo()
    await world.use.remember_time_zone(zone("Asia/Tokyo"))
    assert world.tables.calendars[5].time_zone == "Asia/Tokyo"


async def test_memory_is_bounded_and_those_forgotten_are_only_written_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remember_time_zone, "_REMEMBERED_USERS", 2)
    for user_id in (1, 2):
        await world.use.remember_time_zone(zone("Asia/Tokyo", user_id))
    world.clock.advance(1)
    await world.use.remember_time_zone(zone("Europe/Berlin", 1))
    await world.use.remember_time_zone(zone("Asia/Tokyo", 3))
    before = world.store.commits
    for user_id, name in ((1, "Europe/Berlin"), (3, "Asia/Tokyo")):
        await world.use.remember_time_zone(zone(name, user_id))
    assert world.store.commits == before, "the two written last are remembered"
    await world.use.remember_time_zone(zone("Asia/Tokyo", 2))
    assert world.store.commits == before + 1
