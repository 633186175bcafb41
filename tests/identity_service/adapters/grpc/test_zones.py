"""Whoever signs up or logs in is known in their zone from then on."""

from __future__ import annotations

from typing import Any

import grpc
import jwt
import pytest
from google.api.httpbody_pb2 import HttpBody
from practice.identity.v1 import identity_service_pb2 as pb
from practice.products.design.v1 import design_users_service_pb2 as design_pb
from practice.products.design.v1 import design_users_service_pb2_grpc as design_rpc

from tests.calendars import FakeCalendarService, Remembered
from tests.grpc_errors import refusal
from tests.identity_service.conftest import PASSWORD, Stub, new_email

TOKYO, MADRID = "Asia/Tokyo", "Europe/Madrid"


def zone(name: str) -> tuple[tuple[str, str], ...]:
    return (("x-time-zone", name),)


@pytest.fixture
def design(channel: grpc.aio.Channel) -> design_rpc.DesignUsersServiceAsyncStub:
    return design_rpc.DesignUsersServiceStub(channel)


def sign_up(email: str, password: str = PASSWORD) -> pb.SignUpRequest:
    return pb.SignUpRequest(first_name="Ana", last_name="Ruiz", email=email, password=password)


async def test_signing_up_logging_in_and_refreshing_each_hand_the_zone_over(
    identity: Stub, calendar_service: FakeCalendarService
) -> None:
    email = new_email()
    account = await identity.SignUp(sign_up(email), metadata=zone(TOKYO))
    user_id, made = account.user_id, account.create_time.seconds
    assert calendar_service.remembered == [(user_id, TOKYO, made)]

    credentials = pb.LogInRequest(email=email, password=PASSWORD)
    pair = await identity.LogIn(credentials, metadata=zone(MADRID))
    assert calendar_service.remembered[1:] == [(user_id, MADRID, made)]

    refresh = pb.RefreshAccessTokenRequest(refresh_token=pair.refresh_token)
    await identity.RefreshAccessToken(refresh, metadata=zone(TOKYO))
    assert calendar_service.remembered[2:] == [(user_id, TOKYO, made)]

    bearer = (("authorization", f"Bearer {pair.access_token}"),)
    await identity.GetMe(pb.GetMeRequest(), metadata=(*bearer, *zone(MADRID)))
    assert calendar_service.remembered[3:] == [(user_id, MADRID, made)]


async def test_the_forms_of_the_design_product_hand_it_over_too(
    design: design_rpc.DesignUsersServiceAsyncStub, calendar_service: FakeCalendarService
) -> None:
    email = new_email()
    wanted = design_pb.SignUpRequest(first_name="Ana", last_name="Ruiz", email=email, password=PASSWORD)
    await design.SignUp(wanted, metadata=zone(TOKYO))
    form = HttpBody(
        content_type="application/x-www-form-urlencoded",
        data=f"username={email}&password={PASSWORD.replace(' ', '+')}".encode(),
    )
    granted = await design.LogIn(design_pb.LogInRequest(form=form), metadata=zone(MADRID))
    refresh = design_pb.RefreshRequest(refresh_token=granted.refresh_token)
    await design.Refresh(refresh, metadata=zone(TOKYO))

    assert [name for _, name, _ in calendar_service.remembered] == [TOKYO, MADRID, TOKYO]
    assert len({(user_id, made) for user_id, _, made in calendar_service.remembered}) == 1


async def test_without_a_zone_the_sign_up_alone_is_handed_over_once(
    identity: Stub, calendar_service: FakeCalendarService
) -> None:
    email = new_email()
    account = await identity.SignUp(sign_up(email))
    for _ in range(2):
        await identity.LogIn(pb.LogInRequest(email=email, password=PASSWORD))

    told: list[Remembered] = [(account.user_id, "", account.create_time.seconds)]
    assert calendar_service.remembered == told


async def test_the_token_says_when_the_account_was_made(identity: Stub) -> None:
    email = new_email()
    account = await identity.SignUp(sign_up(email))
    pair = await identity.LogIn(pb.LogInRequest(email=email, password=PASSWORD))

    claims: dict[str, Any] = jwt.decode(pair.access_token, options={"verify_signature": False})
    assert claims["created_at"] == account.create_time.seconds


async def test_what_is_refused_hands_nothing_over(
    identity: Stub, calendar_service: FakeCalendarService
) -> None:
    email = new_email()
    await identity.SignUp(sign_up(email))
    calendar_service.remembered.clear()

    await refusal(identity.SignUp(sign_up(email), metadata=zone(TOKYO)))
    wrong = pb.LogInRequest(email=email, password="a wrong password")
    await refusal(identity.LogIn(wrong, metadata=zone(TOKYO)))
    unknown = pb.RefreshAccessTokenRequest(refresh_token="unknown")
    await refusal(identity.RefreshAccessToken(unknown, metadata=zone(TOKYO)))

    assert calendar_service.remembered == []


async def test_a_session_service_that_does_not_answer_keeps_nobody_from_signing_up(
    identity: Stub, calendar_service: FakeCalendarService
) -> None:
    calendar_service.answering.clear()
    email = new_email()
    account = await identity.SignUp(sign_up(email), metadata=zone(TOKYO))
    calendar_service.answering.set()
    await identity.LogIn(pb.LogInRequest(email=email, password=PASSWORD), metadata=zone(TOKYO))

    # Once or twice: the first call was given up by its caller, not by who heard it.
    assert set(calendar_service.remembered) == {(account.user_id, TOKYO, account.create_time.seconds)}
