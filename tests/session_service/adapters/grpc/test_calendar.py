"""The calendar on the wire: shown, set, and told by other services."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import grpc
import pytest
from practice.events.v1.calendar_changed_pb2 import CalendarChanged
from practice.session.v1 import calendar_service_pb2 as pb
from practice.session.v1 import calendar_service_pb2_grpc as rpc

from tests.grpc_errors import refusal
from tests.session_service.clients import Learner, Metadata
from tests.session_service.statistics import take_published
from tests.tokens import TestTokens

Code = grpc.StatusCode
SIGN_UP = 1_767_605_400


@pytest.fixture
def calendars(channel: grpc.aio.Channel) -> rpc.CalendarServiceAsyncStub:
    return rpc.CalendarServiceStub(channel)


@pytest.fixture
def admin(channel: grpc.aio.Channel) -> rpc.LearnerAdminServiceAsyncStub:
    return rpc.LearnerAdminServiceStub(channel)


@pytest.fixture
def remember(admin: rpc.LearnerAdminServiceAsyncStub, internal: Metadata, user_id: int) -> Any:
    """Tells the service of the user, as another service does."""

    async def remember(zone: str = "", sign_up: int | None = None) -> None:
        request = pb.RememberCalendarRequest(user_id=user_id, time_zone=zone)
        if sign_up is not None:
            request.sign_up_time.FromSeconds(sign_up)
        await admin.RememberCalendar(request, metadata=internal)

    return remember


async def test_nobody_set_the_calendar_of_somebody_new(
    calendars: rpc.CalendarServiceAsyncStub, me: Metadata
) -> None:
    shown = await calendars.GetCalendar(pb.GetCalendarRequest(), metadata=me)

    assert (shown.calendar.time_zone, shown.calendar.rollover_hour) == ("UTC", 0)
    assert not shown.calendar.HasField("effective_time")
    assert not shown.calendar.HasField("sign_up_time")
    assert list(shown.history) == []


async def test_a_zone_and_an_hour_are_set_and_shown_with_those_before(
    calendars: rpc.CalendarServiceAsyncStub, me: Metadata
) -> None:
    before = time.time()
    for request in (
        pb.UpdateCalendarRequest(time_zone="Asia/Tokyo"),
        pb.UpdateCalendarRequest(rollover_hour=4),
        pb.UpdateCalendarRequest(time_zone="Europe/Madrid", rollover_hour=0),
    ):
        updated = await calendars.UpdateCalendar(request, metadata=me)
    shown = await calendars.GetCalendar(pb.GetCalendarRequest(), metadata=me)

    assert shown.calendar == updated == shown.history[0]
    assert [(each.time_zone, each.rollover_hour) for each in shown.history] == [
        ("Europe/Madrid", 0),
        ("Asia/Tokyo", 4),
        ("Asia/Tokyo", 0),
    ]
    assert before - 1 < updated.effective_time.ToNanoseconds() / 1e9 < time.time() + 1


async def test_an_update_that_changes_nothing_is_no_change(
    calendars: rpc.CalendarServiceAsyncStub, me: Metadata
) -> None:
    for request in (
        pb.UpdateCalendarRequest(),
        pb.UpdateCalendarRequest(time_zone="UTC"),
        pb.UpdateCalendarRequest(rollover_hour=0),
    ):
        await calendars.UpdateCalendar(request, metadata=me)

    assert not (await calendars.GetCalendar(pb.GetCalendarRequest(), metadata=me)).history


async def test_a_session_ends_on_the_day_of_the_calendar_that_was_set(
    calendars: rpc.CalendarServiceAsyncStub, learner: Learner
) -> None:
    request = pb.UpdateCalendarRequest(time_zone="Pacific/Kiritimati", rollover_hour=23)
    await calendars.UpdateCalendar(request, metadata=learner.metadata)
    ended = await learner.call("CompleteSession", name=(await learner.start()).name)

    wall = ended.end_time.ToDatetime(UTC).astimezone(ZoneInfo("Pacific/Kiritimati"))
    day = wall.date() - timedelta(days=wall.hour < 23)
    assert (ended.time_zone, ended.local_date) == ("Pacific/Kiritimati", day.isoformat())


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"time_zone": ""}, "TIME_ZONE_UNKNOWN"),
        ({"time_zone": "Mars/Phobos"}, "TIME_ZONE_UNKNOWN"),
        ({"time_zone": "localtime"}, "TIME_ZONE_UNKNOWN"),
        ({"time_zone": "x" * 65}, "FIELD_INVALID"),
        ({"rollover_hour": 24}, "FIELD_INVALID"),
        ({"rollover_hour": -1}, "FIELD_INVALID"),
    ],
)
async def test_what_is_no_calendar_is_refused(
    calendars: rpc.CalendarServiceAsyncStub, me: Metadata, fields: dict[str, Any], reason: str
) -> None:
    refused = await refusal(calendars.UpdateCalendar(pb.UpdateCalendarRequest(**fields), metadata=me))

    assert (refused.code, refused.reason) == (Code.INVALID_ARGUMENT, reason)


async def test_an_update_sent_again_with_its_key_gets_the_first_answer(
    calendars: rpc.CalendarServiceAsyncStub, me: Metadata
) -> None:
    request = pb.UpdateCalendarRequest(time_zone="Asia/Tokyo", request_id="once")
    first = await calendars.UpdateCalendar(request, metadata=me)
    await calendars.UpdateCalendar(pb.UpdateCalendarRequest(time_zone="UTC"), metadata=me)

    assert await calendars.UpdateCalendar(request, metadata=me) == first


async def test_what_another_service_heard_is_in_force_and_told_as_an_event(
    calendars: rpc.CalendarServiceAsyncStub,
    remember: Any,
    me: Metadata,
    user_id: int,
    redis_url: str,
) -> None:
    for _ in range(2):
        await remember("Asia/Tokyo", SIGN_UP)
    shown = await calendars.GetCalendar(pb.GetCalendarRequest(), metadata=me)

    assert shown.calendar.time_zone == "Asia/Tokyo"
    assert shown.calendar.sign_up_time.seconds == SIGN_UP
    assert len(shown.history) == 1
    # Events of others may come late: they were gathered for a moment.
    told: list[CalendarChanged] = []
    while not told:
        events = map(CalendarChanged.FromString, await take_published(redis_url))
        told = [event for event in events if event.user_id == user_id]
    (event,) = told
    assert (event.user_id, event.user_seq, event.time_zone) == (user_id, 1, "Asia/Tokyo")
    assert event.effective_time == shown.calendar.effective_time
    assert event.sign_up_time.seconds == SIGN_UP


async def test_the_sign_up_that_was_told_first_stays(
    calendars: rpc.CalendarServiceAsyncStub, remember: Any, tokens: TestTokens, user_id: int
) -> None:
    await remember(sign_up=SIGN_UP)
    me = tokens.bearer(user_id, created_at=SIGN_UP + 500)
    shown = await calendars.GetCalendar(pb.GetCalendarRequest(), metadata=me)

    assert shown.calendar.sign_up_time.seconds == SIGN_UP


async def test_a_token_tells_when_its_account_was_made(
    calendars: rpc.CalendarServiceAsyncStub, tokens: TestTokens, user_id: int
) -> None:
    me = tokens.bearer(user_id, created_at=SIGN_UP)
    shown = await calendars.GetCalendar(pb.GetCalendarRequest(), metadata=me)

    assert shown.calendar.sign_up_time.ToDatetime(UTC) == datetime.fromtimestamp(SIGN_UP, UTC)
    assert len(shown.history) == 1


async def test_a_zone_that_a_client_sends_here_wins_over_one_it_sent_elsewhere(
    calendars: rpc.CalendarServiceAsyncStub, remember: Any, learner: Learner
) -> None:
    here = learner.with_metadata(x_time_zone="Europe/Madrid")
    for _ in range(2):
        await here.call("ListSessions")
        await remember("Asia/Tokyo")
        shown = await calendars.GetCalendar(pb.GetCalendarRequest(), metadata=learner.metadata)
        assert shown.calendar.time_zone == "Asia/Tokyo"
    await here.call("ListSessions")
    shown = await calendars.GetCalendar(pb.GetCalendarRequest(), metadata=learner.metadata)
    assert shown.calendar.time_zone == "Europe/Madrid"


@pytest.mark.parametrize(
    "fields",
    [
        {"user_id": 0, "time_zone": "UTC"},
        {"user_id": 1, "time_zone": "localtime"},
        {"user_id": 1, "time_zone": "Mars/Phobos"},
    ],
)
async def test_what_cannot_have_been_heard_is_refused(
    admin: rpc.LearnerAdminServiceAsyncStub, internal: Metadata, fields: dict[str, Any]
) -> None:
    refused = await refusal(admin.RememberCalendar(pb.RememberCalendarRequest(**fields), metadata=internal))

    assert refused.code is Code.INVALID_ARGUMENT


async def test_users_cannot_tell_of_others(
    admin: rpc.LearnerAdminServiceAsyncStub, me: Metadata, user_id: int
) -> None:
    request = pb.RememberCalendarRequest(user_id=user_id + 1, time_zone="UTC")
    assert (await refusal(admin.RememberCalendar(request, metadata=me))).code is Code.PERMISSION_DENIED
