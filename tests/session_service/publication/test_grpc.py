"""Rows of products through the operators' API, on a running service."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Coroutine
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from practice.session.v1 import product_admin_service_pb2 as pb
from practice.session.v1 import product_admin_service_pb2_grpc as rpc
from practice.session.v1 import session_service_pb2 as session_pb
from practice.session.v1 import session_service_pb2_grpc as session_rpc
from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.paging import encode_page_token
from session_service.adapters.db.products import SqlProducts
from session_service.publication.converters import policy_from_proto, product_to_proto
from tests.grpc_errors import refusal
from tests.session_service.clients import Learner, Metadata
from tests.session_service.products import SHIPPED_PRODUCTS

Code = grpc.StatusCode
Load = Callable[..., Coroutine[Any, Any, pb.LoadProductsResponse]]


@pytest.fixture
def admin(channel: grpc.aio.Channel) -> rpc.ProductAdminServiceAsyncStub:
    return rpc.ProductAdminServiceStub(channel)


@pytest.fixture
def name() -> str:
    return f"chess_{uuid.uuid4().hex[:8]}"


@pytest.fixture
def load(admin: rpc.ProductAdminServiceAsyncStub, internal: Metadata, name: str) -> Load:
    """Loads a row of the product; keyword arguments are the row's fields."""

    async def load(request_id: str = "", validate_only: bool = False, **row: Any) -> pb.LoadProductsResponse:
        request = pb.LoadProductsRequest(
            products=[pb.ProductRow(**{"product": name, **row})],
            request_id=request_id,
            validate_only=validate_only,
        )
        return await admin.LoadProducts(request, metadata=internal)

    return load


def counts(loaded: pb.LoadProductsResponse) -> tuple[int, int, int]:
    return loaded.created_count, loaded.updated_count, loaded.unchanged_count


async def test_a_fresh_database_has_the_products_that_ship(
    admin: rpc.ProductAdminServiceAsyncStub, internal: Metadata, engine: AsyncEngine
) -> None:
    stored = await SqlProducts(engine).find(SHIPPED_PRODUCTS)
    assert {name: product.policy for name, product in stored.items()} == {
        name: product.policy for name, product in SHIPPED_PRODUCTS.items()
    }
    rows = [product_to_proto(product).row for product in SHIPPED_PRODUCTS.values()]
    loaded = await admin.LoadProducts(pb.LoadProductsRequest(products=rows), metadata=internal)
    assert counts(loaded) == (0, 0, len(SHIPPED_PRODUCTS))


@pytest.mark.parametrize("product", SHIPPED_PRODUCTS.values(), ids=lambda product: product.name)
def test_a_row_that_is_shown_says_the_same_policy(product: Any) -> None:
    assert policy_from_proto(product_to_proto(product).row) == product.policy


async def test_what_is_left_out_of_a_row_is_as_the_contract_says(
    admin: rpc.ProductAdminServiceAsyncStub, internal: Metadata, load: Load, name: str
) -> None:
    assert counts(await load()) == (1, 0, 0)
    version = await admin.GetProduct(pb.GetProductRequest(product=name), metadata=internal)
    assert version.row == pb.ProductRow(
        product=name,
        open_sessions=pb.ProductRow.OPEN_SESSIONS_ANY_NUMBER,
        second_start=pb.ProductRow.SECOND_START_REJECT,
        elapsed=pb.ProductRow.ELAPSED_MEASURED,
        max_elapsed_seconds=2**31 - 1,
        pause_again=pb.ProductRow.PAUSE_AGAIN_NOTHING,
        outcomes=["completed", "abandoned"],
        counted=["completed"],
        counts_unanswered=True,
    )
    assert (version.version, version.HasField("retire_time")) == (1, False)
    assert counts(await load(counts_unanswered=True, outcomes=["abandoned", "completed"])) == (0, 0, 1)


async def test_a_repeated_request_gets_its_first_answer_and_another_one_is_refused(load: Load) -> None:
    key = uuid.uuid4().hex
    assert counts(await load(key)) == counts(await load(key)) == (1, 0, 0)
    refused = await refusal(load(key, modes=["blitz"]))
    assert (refused.code, refused.reason) == (Code.ALREADY_EXISTS, "IDEMPOTENCY_KEY_REUSED")


async def test_rows_that_are_loaded_at_once_are_published_one_after_the_other(
    admin: rpc.ProductAdminServiceAsyncStub, internal: Metadata, load: Load, name: str
) -> None:
    loaded = await asyncio.gather(*(load(modes=["blitz"]) for _ in range(8)))
    assert sorted(map(counts, loaded)) == [*[(0, 0, 1)] * 7, (1, 0, 0)]
    await asyncio.gather(*(load(modes=["blitz", f"mode{number}"]) for number in range(8)))
    versions = await admin.ListProducts(pb.ListProductsRequest(product=name), metadata=internal)
    assert [each.version for each in versions.versions] == list(range(1, 10))


async def test_versions_are_listed_page_by_page(
    admin: rpc.ProductAdminServiceAsyncStub, internal: Metadata, load: Load, name: str
) -> None:
    for modes in (["a"], ["b"], ["c"]):
        await load(modes=modes)
    page = await admin.ListProducts(pb.ListProductsRequest(product=name, page_size=2), metadata=internal)
    rest = await admin.ListProducts(
        pb.ListProductsRequest(product=name, page_size=2, page_token=page.next_page_token), metadata=internal
    )
    assert [list(each.row.modes) for each in (*page.versions, *rest.versions)] == [["a"], ["b"], ["c"]]
    assert rest.next_page_token == ""
    newest = await admin.ListProducts(
        pb.ListProductsRequest(product=name, newest_only=True), metadata=internal
    )
    assert [each.version for each in newest.versions] == [3]
    for position in ([1, 2], ["focus", -1], ["focus"], 5):
        token = encode_page_token("ListProducts", [name, False], position)
        request = pb.ListProductsRequest(product=name, page_token=token)
        refused = await refusal(admin.ListProducts(request, metadata=internal))
        assert (refused.code, refused.reason) == (Code.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")


async def test_validation_publishes_nothing_and_refuses_what_loading_would(
    admin: rpc.ProductAdminServiceAsyncStub, internal: Metadata, learner: Learner, load: Load, name: str
) -> None:
    assert counts(await load(validate_only=True)) == (1, 0, 0)
    refused = await refusal(admin.GetProduct(pb.GetProductRequest(product=name), metadata=internal))
    assert (refused.code, refused.reason) == (Code.NOT_FOUND, "PRODUCT_NOT_FOUND")
    await load(modes=["blitz"])
    await learner.start(name)
    assert counts(await load(validate_only=True, modes=["rapid", "blitz"])) == (0, 1, 0)
    refused = await refusal(load(validate_only=True, modes=["rapid"]))
    assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, "PRODUCT_IN_USE")
    assert refused.metadata == {"product": name, "field": "modes"}
    versions = await admin.ListProducts(pb.ListProductsRequest(product=name), metadata=internal)
    assert len(versions.versions) == 1


async def test_all_that_is_wrong_with_rows_is_told_and_none_is_loaded(
    admin: rpc.ProductAdminServiceAsyncStub, internal: Metadata, name: str
) -> None:
    rows = [
        pb.ProductRow(product=name),
        pb.ProductRow(product="total", content="openings"),
        pb.ProductRow(product=name, second_start=pb.ProductRow.SECOND_START_RESUME),
    ]
    refused = await refusal(admin.LoadProducts(pb.LoadProductsRequest(products=rows), metadata=internal))
    assert (refused.code, refused.reason) == (Code.INVALID_ARGUMENT, "FIELD_INVALID")
    assert set(refused.faults) == {
        "products[1].product",
        "products[1].content",
        "products[2].second_start",
        "products",
    }
    missing = await refusal(admin.GetProduct(pb.GetProductRequest(product=name), metadata=internal))
    assert missing.reason == "PRODUCT_NOT_FOUND"


async def test_only_operators_say_which_products_there_are(
    admin: rpc.ProductAdminServiceAsyncStub, me: Metadata, name: str
) -> None:
    request = pb.LoadProductsRequest(products=[pb.ProductRow(product=name)])
    refused = await refusal(admin.LoadProducts(request, metadata=me))
    assert refused.code in (Code.PERMISSION_DENIED, Code.UNAUTHENTICATED)


async def test_the_facts_of_a_session_stay_whatever_is_published_later(
    export: session_rpc.SessionExportServiceAsyncStub,
    internal: Metadata,
    learner: Learner,
    load: Load,
    name: str,
    user_id: int,
) -> None:
    async def facts() -> list[bytes]:
        events = export.ExportCompletions(
            session_pb.ExportCompletionsRequest(user_id=user_id), metadata=internal
        )
        return [event.SerializeToString(deterministic=True) async for event in events]

    await load()
    await learner.call("CompleteSession", name=(await learner.start(name)).name)
    before = await facts()
    await load(counts_unanswered=False)
    assert await facts() == before
    await learner.call("CompleteSession", name=(await learner.start(name)).name)
    counted = [
        event.counts
        async for event in export.ExportCompletions(
            session_pb.ExportCompletionsRequest(user_id=user_id), metadata=internal
        )
    ]
    assert counted == [True, False]


async def test_a_standalone_answer_finds_the_only_session_that_may_be_open(
    learner: Learner, load: Load, name: str
) -> None:
    await load(items="exercises", open_sessions=pb.ProductRow.OPEN_SESSIONS_ONE_PER_USER)
    opened = await learner.start(name)
    answer = {"item": "exercises/123", "text": "hable"}
    refused = await refusal(learner.call("RecordStandaloneAnswer", product=name, answer=answer))
    assert (refused.code, refused.reason) == (Code.ALREADY_EXISTS, "SESSION_ALREADY_OPEN")
    await learner.call("AbandonSession", name=opened.name)
    recorded = await learner.call("RecordStandaloneAnswer", product=name, answer=answer)
    assert recorded.session.product == name


async def test_a_retired_product_is_retired_once_and_restored(
    admin: rpc.ProductAdminServiceAsyncStub, internal: Metadata, learner: Learner, load: Load, name: str
) -> None:
    await load(max_planned_seconds=600, min_planned_seconds=60)
    planned = {"product": name, "planned_duration": Duration(seconds=60)}
    opened = (await learner.call("StartSession", **planned)).session
    retire = pb.RetireProductRequest(product=name)
    first = await admin.RetireProduct(retire, metadata=internal)
    assert (first.version, first.HasField("retire_time")) == (2, True)
    assert await admin.RetireProduct(retire, metadata=internal) == first
    refused = await refusal(learner.call("StartSession", **planned))
    assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, "PRODUCT_RETIRED")
    assert refused.metadata == {"product": name}
    assert counts(await load(max_planned_seconds=900, min_planned_seconds=60)) == (0, 1, 0)
    changed = await admin.GetProduct(pb.GetProductRequest(product=name), metadata=internal)
    assert changed.retire_time == first.retire_time
    ended = await learner.call("AbandonSession", name=opened.name)
    assert ended.product == name
    restored = await admin.RestoreProduct(pb.RestoreProductRequest(product=name), metadata=internal)
    assert (restored.version, restored.HasField("retire_time")) == (4, False)
    assert await admin.RestoreProduct(pb.RestoreProductRequest(product=name), metadata=internal) == restored
    assert (await learner.call("StartSession", **planned)).session.product == name
