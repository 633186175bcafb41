"""A zone sent to the catalog is handed over to the service that remembers it."""

from __future__ import annotations

from typing import Any

from practice.catalog.v1 import catalog_service_pb2 as pb
from practice.catalog.v1 import catalog_service_pb2_grpc as rpc
from practice.products.design.v1 import design_problems_service_pb2 as design_pb
from practice.products.design.v1 import design_problems_service_pb2_grpc as design_rpc

from tests.calendars import FakeCalendarService
from tests.tokens import TestTokens

TOKYO = ("x-time-zone", "Asia/Tokyo")
SIGN_UP = 1_767_605_400


async def test_a_zone_is_handed_over_with_each_call_for_another_may_be_in_force_by_now(
    catalog: rpc.CatalogServiceAsyncStub, tokens: TestTokens, calendar_service: FakeCalendarService
) -> None:
    for _ in range(3):
        await catalog.ListExercises(
            pb.ListExercisesRequest(), metadata=(*tokens.bearer(31, created_at=SIGN_UP), TOKYO)
        )
    assert calendar_service.remembered == [(31, "Asia/Tokyo", SIGN_UP)] * 3


async def test_the_design_products_endpoints_hand_it_over_for_those_they_know(
    design: design_rpc.DesignProblemsServiceAsyncStub,
    tokens: TestTokens,
    calendar_service: FakeCalendarService,
) -> None:
    await design.ListProblems(design_pb.ListProblemsRequest(), metadata=(TOKYO,))
    assert calendar_service.remembered == []
    await design.ListProblems(design_pb.ListProblemsRequest(), metadata=(*tokens.bearer(32), TOKYO))
    assert calendar_service.remembered == [(32, "Asia/Tokyo", None)]


async def test_a_session_service_that_does_not_answer_fails_no_call(
    catalog: rpc.CatalogServiceAsyncStub, ana: Any, calendar_service: FakeCalendarService
) -> None:
    calendar_service.answering.clear()
    await catalog.ListExercises(pb.ListExercisesRequest(), metadata=(*ana, TOKYO))
    assert calendar_service.remembered == []
    calendar_service.answering.set()
    await catalog.ListExercises(pb.ListExercisesRequest(), metadata=(*ana, TOKYO))
    assert len(calendar_service.remembered) == 1
