"""Products for operators: convert, call the use case, convert back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc
from practice.session.v1 import product_admin_service_pb2 as pb
from practice.session.v1.product_admin_service_pb2_grpc import ProductAdminServiceServicer

from service_kit.call import current_call
from service_kit.paging import PageRequest, invalid_page_token
from session_service.publication.converters import policy_from_proto, product_to_proto
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
        wanted = PageRequest(
            _LIST,
            request.page_size,
            request.page_token,
            (request.product, request.newest_only),
            _DEFAULT_PAGE,
        )
        found = await self._use.list_products(
            product=request.product,
            newest_only=request.newest_only,
            after=_key_from_position(wanted.position()),
            limit=wanted.limit,
        )
        page = wanted.page(found, lambda each: [each.name, each.version])
        return pb.ListProductsResponse(
            versions=map(product_to_proto, page.items), next_page_token=page.next_page_token
        )

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


def _key_from_position(position: Any) -> VersionKey | None:
    match position:
        case None:
            return None
        case [str(product), int(version)] if 0 <= version < 2**31:
            return product, version
    raise invalid_page_token()
