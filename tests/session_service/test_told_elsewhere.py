"""What one process was told holds at another for the very next call: two whole services on one database."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from practice.products.portal.v1 import portal_service_pb2 as portal_pb
from practice.products.portal.v1 import portal_service_pb2_grpc as portal_rpc
from practice.products.yoga.v1 import yoga_service_pb2 as yoga_pb
from practice.products.yoga.v1 import yoga_service_pb2_grpc as yoga_rpc
from practice.session.v1 import calendar_service_pb2 as calendar_pb
from practice.session.v1 import calendar_service_pb2_grpc as calendar_rpc
from practice.session.v1 import product_admin_service_pb2 as product_pb
from practice.session.v1 import product_admin_service_pb2_grpc as product_rpc
from practice.session.v1 import session_service_pb2_grpc as rpc
from practice.session.v1 import submission_service_pb2 as submission_pb
from practice.session.v1 import submission_service_pb2_grpc as submission_rpc

from session_service.main import serving
from session_service.settings import SessionSettings
from tests.grpc_errors import refusal
from tests.personal_data import PersonalDataClient
from tests.session_service.clients import Learner, Metadata
from tests.shared import Shared, frozen

Code = grpc.StatusCode
EAST, WEST = "Pacific/Kiritimati", "Pacific/Niue"


@dataclass(frozen=True)
class Told:
    """A learner's calls to one of the two."""

    channel: grpc.aio.Channel
    me: Metadata

    def learner(self, zone: str = "") -> Learner:
        sessions = rpc.SessionServiceStub(self.channel)
        return Learner(sessions, (*self.me, *((("x-time-zone", zone),) if zone else ())))

    async def calendar(self) -> tuple[str, int]:
        """What is in force, asked without saying anything."""
        stub = calendar_rpc.CalendarServiceStub(self.channel)
        shown = await stub.GetCalendar(calendar_pb.GetCalendarRequest(), metadata=self.me)
        return shown.calendar.time_zone, shown.calendar.rollover_hour

    async def set(self, zone: str = "", **fields: Any) -> None:
        stub = calendar_rpc.CalendarServiceStub(self.channel)
        said = {"time_zone": zone} if zone else {}
        await stub.UpdateCalendar(calendar_pb.UpdateCalendarRequest(**said, **fields), metadata=self.me)


@asynccontextmanager
async def serving_at(settings: dict[str, Any]) -> AsyncIterator[grpc.aio.Channel]:
    async with (
        serving(SessionSettings(**settings)) as running,
        grpc.aio.insecure_channel(f"127.0.0.1:{running.port}") as channel,
    ):
        yield channel


@pytest.fixture
async def channels(shared: Shared, session_settings: dict[str, Any]) -> list[grpc.aio.Channel]:
    settings = {**session_settings, "quota_open_sessions": 4, "quota_sessions_per_day": 6}
    keys = [("told", number, frozen(settings)) for number in range(2)]
    return [await shared.of(key, lambda: serving_at(settings)) for key in keys]


@pytest.fixture
def both(channels: list[grpc.aio.Channel], me: Metadata) -> tuple[Told, Told]:
    one, other = channels
    return Told(one, me), Told(other, me)


Ask = Callable[[Learner, str, grpc.aio.Channel], Awaitable[object]]
CALLS: dict[str, Ask] = {
    "start": lambda learner, _name, _: learner.start(),
    "start that resumes": lambda learner, _name, _: learner.start("yoga"),
    "answer": lambda learner, name, _: learner.answer(name, "hable"),
    "pause": lambda learner, name, _: learner.call("PauseSession", name=name),
    "end": lambda learner, name, _: learner.call("CompleteSession", name=name),
    "draft": lambda learner, name, _: learner.call("SaveDraft", name=name, content="{}"),
    "message": lambda learner, name, _: learner.call("AddMessage", name=name, role="user", content="?"),
    "session": lambda learner, name, _: learner.call("GetSession", name=name),
    "open session": lambda learner, _name, _: learner.call("GetActiveSession", product="exercises"),
    "sessions": lambda learner, _name, _: learner.call("ListSessions"),
    "items": lambda learner, name, _: learner.call("ListSessionItems", name=name),
    "report": lambda learner, name, _: learner.call("GetSessionReport", name=name),
    "watch": lambda learner, name, _: learner.call("WatchSession", name=name).read(),
    "what is refused": lambda learner, _name, _: refusal(learner.call("GetSession", name="sessions/1")),
    "submissions": lambda learner, _name, channel: submission_rpc.SubmissionServiceStub(
        channel
    ).ListSubmissions(submission_pb.ListSubmissionsRequest(), metadata=learner.metadata),
    "history": lambda learner, _name, channel: portal_rpc.PortalServiceStub(channel).ListHistory(
        portal_pb.ListHistoryRequest(), metadata=learner.metadata
    ),
    "month": lambda learner, _name, channel: yoga_rpc.YogaServiceStub(channel).GetCalendar(
        yoga_pb.GetCalendarRequest(), metadata=learner.metadata
    ),
}


@pytest.mark.parametrize("ask", CALLS.values(), ids=CALLS)
async def test_a_zone_that_another_process_was_told_is_not_believed_to_be_the_one_said_before(
    both: tuple[Told, Told], ask: Ask
) -> None:
    one, other = both
    session = await one.learner(EAST).start()
    await ask(one.learner(EAST), (await one.learner(EAST).start()).name, one.channel)
    await other.learner(WEST).call("GetSession", name=session.name)
    assert await one.calendar() == (WEST, 0)
    await ask(one.learner(EAST), session.name, one.channel)
    assert await other.calendar() == (EAST, 0)


async def test_a_start_and_an_end_are_in_the_calendar_that_the_other_was_told(
    both: tuple[Told, Told],
) -> None:
    one, other = both
    for there, here, zone, hour in ((one, other, EAST, 3), (other, one, WEST, 5)):
        await here.learner().call("ListSessions")
        await there.set(zone, rollover_hour=hour)
        session = await here.learner().start()
        assert session.time_zone == zone
        ended = await here.learner().call("CompleteSession", name=session.name)
        assert (ended.time_zone, await here.calendar()) == (zone, (zone, hour))


async def test_a_zone_set_by_hand_at_one_is_in_force_until_a_client_sends_its_own_to_another(
    both: tuple[Told, Told],
) -> None:
    one, other = both
    await one.learner(EAST).call("ListSessions")
    await other.set(WEST)
    assert await one.calendar() == (WEST, 0)
    await one.learner(EAST).call("ListSessions")
    assert await other.calendar() == (EAST, 0)


async def test_what_is_published_of_a_product_at_one_is_in_force_at_the_other(
    both: tuple[Told, Told], internal: Metadata
) -> None:
    one, other = both
    name = f"chess_{uuid.uuid4().hex[:8]}"

    async def publish(**row: Any) -> None:
        rows = [product_pb.ProductRow(product=name, **row)]
        stub = product_rpc.ProductAdminServiceStub(one.channel)
        await stub.LoadProducts(product_pb.LoadProductsRequest(products=rows), metadata=internal)

    assert (await refusal(other.learner().start(name))).reason == "PRODUCT_UNKNOWN"
    await publish(modes=["blitz"])
    assert (await other.learner().start(name, mode="blitz")).mode == "blitz"
    assert (await refusal(other.learner().start(name, mode="bullet"))).code is Code.INVALID_ARGUMENT
    await publish(modes=["blitz", "bullet"])
    assert (await other.learner().start(name, mode="bullet")).mode == "bullet"


async def test_quotas_are_one_for_both(both: tuple[Told, Told]) -> None:
    one, other = both
    opened = [await told.learner().start() for told in (one, other, one, other)]
    for told in both:
        refused = await refusal(told.learner().start())
        assert (refused.code, refused.reason) == (Code.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED")
    for told in both:
        await told.learner().call("AbandonSession", name=opened.pop().name)
        await told.learner().start()
    await one.learner().call("AbandonSession", name=opened.pop().name)
    # Six have begun today.
    refused = await refusal(other.learner().start())
    assert (refused.code, refused.reason) == (Code.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED")


async def test_who_was_erased_at_one_is_nobody_at_the_other(
    both: tuple[Told, Told], user_id: int, internal: Metadata
) -> None:
    one, other = both
    session = await one.learner(EAST).start()
    await other.learner(EAST).answer(session.name, "hable")
    await PersonalDataClient(one.channel, internal).erase(user_id)
    assert (await refusal(other.learner(EAST).answer(session.name, "hable"))).code is Code.NOT_FOUND
    assert not (await other.learner(WEST).call("ListSessions")).sessions
    assert await other.calendar() == ("UTC", 0)
    refused = await refusal(other.learner(EAST).start())
    assert refused.reason == "ACCOUNT_ERASED", refused
