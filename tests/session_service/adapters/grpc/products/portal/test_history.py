"""The history: which sessions, in which order, between which times."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.session_service.adapters.grpc.products.portal.clients import Client
from tests.session_service.clients import Learner

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


async def ended(portal: Client, count: int, activity_id: int = 123) -> list[str]:
    """Returns the ids of new ended sessions, the newest first."""
    ids = []
    for number in range(count):
        ids.append(await portal.start(activity_id))
        await portal.ok("CancelSession" if number % 2 else "CompleteSession", session_id=ids[-1])
    return ids[::-1]


def ids_of(body: Any) -> list[str]:
    return [session["id"] for session in body["sessions"]]


async def test_an_empty_history_has_a_total_and_a_list(portal: Client) -> None:
    assert await portal.history() == {"total": 0, "sessions": []}


async def test_a_session_in_the_history_is_as_documented(portal: Client) -> None:
    session_id = await portal.start()
    await portal.answer(session_id, "en-hello", "hola")
    await portal.answer(session_id, "en-goodbye", "no")
    await portal.answer(session_id, "en-goodbye", "no")
    await portal.complete(session_id)

    body = await portal.history()

    (session,) = body["sessions"]
    assert session == {
        "id": session_id,
        "activity": {"id": 123, "name": "Basic Vocabulary"},
        "start_time": session["start_time"],
        "end_time": session["end_time"],
        "success_rate": 0.3333,
        "words_practiced": 2,
    }
    assert TIME.fullmatch(session["start_time"])
    assert TIME.fullmatch(session["end_time"])
    assert body["total"] == 1


async def test_only_the_portals_ended_sessions_of_the_user_are_listed_newest_first(
    portal: Client, other: Client, learner: Learner
) -> None:
    mine = await ended(portal, 3)
    await portal.start()
    await ended(other, 1)
    yoga = await learner.start("yoga")
    await learner.call("CompleteSession", name=yoga.name)

    body = await portal.history()

    assert (body["total"], ids_of(body)) == (3, mine)


async def test_limit_and_offset_walk_through_the_history_with_its_total(portal: Client) -> None:
    mine = await ended(portal, 12)

    for fields, part in (
        ({}, mine[:10]),
        ({"limit": 50}, mine),
        ({"limit": 1}, mine[:1]),
        ({"limit": 5, "offset": 10}, mine[10:]),
        ({"offset": 12}, []),
        ({"offset": 2**31 - 1}, []),
    ):
        body = await portal.history(**fields)
        assert (body["total"], ids_of(body)) == (12, part)


async def test_an_activity_selects_its_sessions(portal: Client) -> None:
    await ended(portal, 2)
    small = await ended(portal, 1, activity_id=5)

    assert await portal.history(activity_id=5) == {
        "total": 1,
        "sessions": (await portal.history(limit=1))["sessions"],
    }
    assert ids_of(await portal.history(activity_id=5)) == small
    assert await portal.history(activity_id=-7) == {"total": 0, "sessions": []}


@pytest.fixture
async def at_times(portal: Client, engine: AsyncEngine) -> dict[str, str]:
    """Ended sessions by when they began."""
    times = [
        "2026-03-28T22:59:59.999999+00:00",
        "2026-03-28T23:00:00+00:00",
        "2026-03-29T21:59:59.5+00:00",
        "2026-03-29T22:00:00+00:00",
    ]
    found = {}
    for moment, session_id in zip(times, reversed(await ended(portal, 4)), strict=True):
        async with engine.begin() as connection:
            await connection.execute(
                text("UPDATE session.practice_session SET started_at = :at WHERE id = :id"),
                {"at": datetime.fromisoformat(moment), "id": int(session_id)},
            )
        found[session_id] = moment
    return found


# In Madrid the 29th of March 2026 has 23 hours: from 23:00 UTC to 22:00 UTC.
@pytest.mark.parametrize(
    ("fields", "positions"),
    [
        ({}, [3, 2, 1, 0]),
        ({"from_date": "2026-03-29", "to_date": "2026-03-29"}, [2, 1]),
        ({"from_date": "2026-03-29"}, [3, 2, 1]),
        ({"to_date": "2026-03-28"}, [0]),
        ({"from_date": "2026-03-30", "to_date": "2026-03-29"}, []),
        ({"from_date": "2026-03-28T23:00:00Z"}, [3, 2, 1]),
        ({"to_date": "2026-03-28T23:00:00Z"}, [1, 0]),
        ({"to_date": "2026-03-29T21:59:59Z"}, [2, 1, 0]),
        ({"to_date": "2026-03-29T21:59:59.4Z"}, [1, 0]),
        ({"from_date": "2026-03-29T21:59:59.5Z", "to_date": "2026-03-29T21:59:59.500000Z"}, [2]),
        ({"from_date": "2026-03-29T00:00:00+01:00"}, [3, 2, 1]),
        ({"from_date": "2026-03-29T00:00:00 01:00"}, [3, 2, 1]),
        ({"from_date": "2026-03-29T00:00:00"}, [3, 2, 1]),
        ({"from_date": "2026-03-29 00:00"}, [3, 2, 1]),
        ({"from_date": "0001-01-03", "to_date": "9999-12-29"}, [3, 2, 1, 0]),
    ],
)
async def test_dates_are_whole_days_of_the_user_and_both_ends_are_inside(
    portal: Client, at_times: dict[str, str], fields: dict[str, str], positions: list[int]
) -> None:
    ids = list(at_times)

    body = await portal.with_metadata(x_time_zone="Europe/Madrid").history(**fields)

    assert ids_of(body) == [ids[position] for position in positions]
    assert body["total"] == len(positions)


async def test_the_zone_in_force_decides_even_when_the_same_dates_were_asked_before(
    portal: Client, at_times: dict[str, str]
) -> None:
    ids = list(at_times)
    day = {"from_date": "2026-03-29", "to_date": "2026-03-29"}
    assert ids_of(await portal.history(**day)) == [ids[3], ids[2]]

    madrid = portal.with_metadata(x_time_zone="Europe/Madrid")

    assert ids_of(await madrid.history(**day)) == [ids[2], ids[1]]
    assert ids_of(await portal.history(**day)) == [ids[2], ids[1]]


@pytest.mark.parametrize(
    "value",
    [
        *("yesterday", "2026-02-30", "2026-13-01", "29.03.2026", "1774738800", "2026-03-29T25:00:00Z", " "),
        *("10000-01-01", "0000-01-01", "2026-366", "2026-W54-1", "2" * 41, "2026-03-29\n"),
    ],
)
@pytest.mark.parametrize("field", ["from_date", "to_date"])
async def test_a_bad_date_is_refused_by_name(portal: Client, field: str, value: str) -> None:
    status, body = await portal.refused("ListHistory", **{field: value})

    assert (status, body["error"], body["details"]) == (400, "invalid_request", {"field": field})
    assert field in body["message"]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
async def test_any_date_is_a_bound_in_every_zone(portal: Client, at_times: dict[str, str], zone: str) -> None:
    there = portal.with_metadata(x_time_zone=zone)
    all_of_them = ids_of(await there.history())
    assert len(all_of_them) == len(at_times)
    for first in ("0001-01-01", "0001-01-01T00:00:00+14:00", "0001-001", "00010101"):
        assert ids_of(await there.history(from_date=first)) == all_of_them
        assert ids_of(await there.history(to_date=first)) == []
    for last in ("9999-12-31", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-11:00", "9999-365", "9999-W52-5"):
        assert ids_of(await there.history(to_date=last)) == all_of_them
        assert ids_of(await there.history(from_date=last)) == []


@pytest.mark.parametrize("fields", [{"limit": 0}, {"limit": 51}, {"limit": -1}, {"offset": -1}])
async def test_a_limit_or_offset_out_of_range_is_refused_by_name(
    portal: Client, fields: dict[str, int]
) -> None:
    status, body = await portal.refused("ListHistory", **fields)

    assert (status, body["error"], body["details"]) == (400, "invalid_request", {"field": next(iter(fields))})


async def test_times_are_shown_in_utc(portal: Client, at_times: dict[str, str]) -> None:
    body = await portal.with_metadata(x_time_zone="Asia/Tokyo").history(limit=1)

    assert body["sessions"][0]["start_time"] == "2026-03-29T22:00:00Z"
    end = datetime.fromisoformat(body["sessions"][0]["end_time"])
    assert abs((datetime.now(UTC) - end).total_seconds()) < 60
