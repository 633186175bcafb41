"""Asks the session service which products there are, and publishes rows of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import grpc
from google.protobuf.json_format import ParseDict
from practice.session.v1 import product_admin_service_pb2 as pb
from practice.session.v1.product_admin_service_pb2_grpc import ProductAdminServiceStub

from deploy.commands.admin_client import AdminClient
from deploy.commands.content.files import Entry


class ProductAdminClient(AdminClient):
    """The session service's ProductAdminService."""

    service = "session"
    # Seconds for one call; publishing looks through a product's stored sessions.
    deadline = 30.0

    def __init__(self, channel: grpc.Channel, internal_token: str) -> None:
        super().__init__(channel, internal_token)
        self._stub = ProductAdminServiceStub(channel)

    def versions(self, *, newest_only: bool) -> Iterator[pb.ProductVersion]:
        """Yields the versions of every product, by name and version."""
        request = pb.ListProductsRequest(newest_only=newest_only)
        for page in self._pages(self._stub.ListProducts, request):
            yield from page.versions

    def newest(self, product: str) -> pb.ProductVersion:
        """Returns a product by its newest version."""
        return self._call(self._stub.GetProduct, pb.GetProductRequest(product=product))

    def publish(self, entries: Sequence[Entry], *, validate_only: bool) -> pb.LoadProductsResponse:
        """Publishes rows, all or none, or says only what would become of them."""
        request = ParseDict({"products": entries}, pb.LoadProductsRequest(validate_only=validate_only))
        return self._call(self._stub.LoadProducts, request)

    def retire(self, product: str) -> pb.ProductVersion:
        """Lets no more sessions of a product be started."""
        return self._call(self._stub.RetireProduct, pb.RetireProductRequest(product=product))

    def restore(self, product: str) -> pb.ProductVersion:
        """Lets sessions of a retired product be started again."""
        return self._call(self._stub.RestoreProduct, pb.RestoreProductRequest(product=product))
