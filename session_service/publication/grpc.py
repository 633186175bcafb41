"""Products for operators: convert, call the use case, convert back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc
from practice.session.v1 import product_admin_service_pb2 as pb
from practice.session.v1.product_admin_service_pb2_grpc import ProductAdminServiceServicer

from service_kit.call import current_call
from service_kit.paging import decode_page_token, encode_page_token, invalid_page_token
from session_service.adapters.events import instant_to_proto
from session_service.domain.policies import (
    LARGEST_SECONDS,
    Bounds,
    Elapsed,
    OpenScope,
    PauseAgain,
    Policy,
    Product,
    SecondStart,
)
from session_service.domain.states import State
from session_service.publication.ports import VersionKey
from session_service.publication.use_cases import (
    GetProduct,
    ListProducts,
    LoadProducts,
    RestoreProduct,
    RetireProduct,
)

Context = grpc.aio.ServicerContext[Any, Any]

SERVICE = "practice.session.v1.ProductAdminService"
_LIST = "ListProducts"
_DEFAULT_PAGE = 50


@dataclass(frozen=True, slots=True)
class ProductUseCases:
    """What operators do with products."""

    list_products: ListProducts
    get_product: GetProduct
    load_products: LoadProducts
    retire_product: RetireProduct
    restore_product: RestoreProduct


class ProductAdminServicer(ProductAdminServiceServicer):
    """Serves those who say which products there are."""

    def __init__(self, use_cases: ProductUseCases) -> None:
        self._use = use_cases

    async def ListProducts(
        self, request: pb.ListProductsRequest, context: Context
    ) -> pb.ListProductsResponse:
        """Returns a page of versions."""
        limit = request.page_size or _DEFAULT_PAGE
        chosen = [request.product, request.newest_only]
        found = await self._use.list_products(
            product=request.product,
            newest_only=request.newest_only,
            after=_key_from_position(decode_page_token(_LIST, chosen, request.page_token)),
            limit=limit + 1,
        )
        more = ""
        if len(found) > limit:
            last = found[limit - 1]
            more = encode_page_token(_LIST, chosen, [last.name, last.version])
        return pb.ListProductsResponse(versions=map(product_to_proto, found[:limit]), next_page_token=more)

    async def GetProduct(self, request: pb.GetProductRequest, context: Context) -> pb.ProductVersion:
        """Returns a product's newest version."""
        return product_to_proto(await self._use.get_product(request.product))

    async def LoadProducts(
        self, request: pb.LoadProductsRequest, context: Context
    ) -> pb.LoadProductsResponse:
        """Publishes rows."""
        policies = [policy_from_proto(row) for row in request.products]
        loaded = await self._use.load_products(current_call(), policies, validate_only=request.validate_only)
        return pb.LoadProductsResponse(
            created_count=loaded.created, updated_count=loaded.updated, unchanged_count=loaded.unchanged
        )

    async def RetireProduct(self, request: pb.RetireProductRequest, context: Context) -> pb.ProductVersion:
        """Lets nothing be started any more."""
        return product_to_proto(await self._use.retire_product(current_call(), request.product))

    async def RestoreProduct(self, request: pb.RestoreProductRequest, context: Context) -> pb.ProductVersion:
        """Lets sessions be started again."""
        return product_to_proto(await self._use.restore_product(current_call(), request.product))


_SCOPES = dict(enumerate(OpenScope, start=1))
_SECOND_STARTS = dict(enumerate(SecondStart, start=1))
_ELAPSED = dict(enumerate(Elapsed, start=1))
_PAUSES = dict(enumerate(PauseAgain, start=1))


def policy_from_proto(row: pb.ProductRow) -> Policy:
    """Returns the policy that a row says; what it leaves out is as the contract says."""
    plain = Policy(row.product)
    planned = Bounds(row.min_planned_seconds, row.max_planned_seconds)
    return Policy(
        product=row.product,
        open_scope=_SCOPES.get(row.open_sessions, plain.open_scope),
        second_start=_SECOND_STARTS.get(row.second_start, plain.second_start),
        modes=tuple(row.modes),
        content=row.content or None,
        content_required=row.content_required,
        items=row.items or None,
        picks_items=row.picks_items,
        submits=row.submits,
        planned=planned if planned != Bounds(0, 0) else None,
        elapsed=_ELAPSED.get(row.elapsed, plain.elapsed),
        elapsed_bounds=Bounds(row.min_elapsed_seconds, row.max_elapsed_seconds or LARGEST_SECONDS),
        pause_again=_PAUSES.get(row.pause_again, plain.pause_again),
        outcomes=frozenset(map(State, row.outcomes)) or plain.outcomes,
        counted=frozenset(map(State, row.counted)) or plain.counted,
        counts_unanswered=row.counts_unanswered if row.HasField("counts_unanswered") else True,
    )


def product_to_proto(product: Product) -> pb.ProductVersion:
    """Returns a version with its whole row."""
    policy = product.policy
    planned = policy.planned or Bounds(0, 0)
    row = pb.ProductRow(
        product=policy.product,
        open_sessions=_number_of(_SCOPES, policy.open_scope),
        second_start=_number_of(_SECOND_STARTS, policy.second_start),
        modes=policy.modes,
        content=policy.content or "",
        content_required=policy.content_required,
        items=policy.items or "",
        picks_items=policy.picks_items,
        submits=policy.submits,
        min_planned_seconds=planned.minimum,
        max_planned_seconds=planned.maximum,
        elapsed=_number_of(_ELAPSED, policy.elapsed),
        min_elapsed_seconds=policy.elapsed_bounds.minimum,
        max_elapsed_seconds=policy.elapsed_bounds.maximum,
        pause_again=_number_of(_PAUSES, policy.pause_again),
        # In the order of the states, whose first is the best end.
        outcomes=[state.value for state in State if state in policy.outcomes],
        counted=[state.value for state in State if state in policy.counted],
        counts_unanswered=policy.counts_unanswered,
    )
    version = pb.ProductVersion(
        row=row, version=product.version, publish_time=instant_to_proto(product.published_at)
    )
    if product.retired_at is not None:
        version.retire_time.CopyFrom(instant_to_proto(product.retired_at))
    return version


def _number_of(numbers: dict[int, Any], value: object) -> Any:
    return next(number for number, each in numbers.items() if each is value)


def _key_from_position(position: Any) -> VersionKey | None:
    match position:
        case None:
            return None
        case [str(product), int(version)] if 0 <= version < 2**31:
            return product, version
    raise invalid_page_token()
