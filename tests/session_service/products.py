"""The products that ship, as rows that were published, and a memory of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from google.protobuf.json_format import ParseDict
from practice.session.v1 import product_admin_service_pb2 as pb

from deploy.commands.content.files import SHIPPED, read_file
from deploy.commands.content.schema import PRODUCTS as KIND
from session_service.domain.errors import ProductUnknownError
from session_service.domain.policies import Product
from session_service.publication.converters import policy_from_proto
from tests.session_service.memory.store import Store

PUBLISHED = datetime(2026, 1, 1, tzinfo=UTC)


def _shipped() -> dict[str, Product]:
    content = read_file(SHIPPED / KIND.files, KIND)
    assert content.faults == []
    rows = [ParseDict(entry, pb.ProductRow()) for entry in content.entries[KIND.name]]
    return {row.product: Product(policy_from_proto(row), 1, PUBLISHED) for row in rows}


SHIPPED_PRODUCTS = _shipped()


class FakeProducts:
    """Implements ports.Products; a call inside a transaction is a fault: it takes a connection of its own."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.newest = dict(SHIPPED_PRODUCTS)

    async def find(self, names: Iterable[str]) -> Mapping[str, Product]:
        assert not self._store.in_transaction, "no other connection inside of a transaction"
        return {name: self.newest[name] for name in names if name in self.newest}

    async def check_known(self, name: str) -> None:
        if name not in self.newest:
            raise ProductUnknownError(name)
