"""The products are named in a few places that share no code; the names are the same in all of them."""

from __future__ import annotations

from typing import Any

import pytest
from buf.validate import validate_pb2
from practice.stats.v1 import stats_service_pb2 as pb

from deploy.commands.content import schema as content_schema
from gateway import products as edge
from session_service.domain.policies import POLICIES


@pytest.mark.parametrize(
    "request_type",
    [pb.GetStandingRequest, pb.ListDailyProgressRequest, pb.ListAwardedBadgesRequest],
    ids=lambda each: each.DESCRIPTOR.name,
)
def test_statistics_can_be_asked_for_each_product_and_for_all_of_them(request_type: Any) -> None:
    options = request_type.DESCRIPTOR.fields_by_name["product"].GetOptions()
    allowed = getattr(options.Extensions[validate_pb2.field].string, "in")
    assert set(allowed) == {*POLICIES, "all", ""}


def test_the_edge_and_the_content_know_the_products_that_have_a_policy() -> None:
    assert {row.name for row in edge.PRODUCTS} == set(POLICIES)
    assert set(content_schema.PRODUCTS) == set(POLICIES)
