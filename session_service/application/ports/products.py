"""The products that there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from session_service.domain.policies import Product


class Products(Protocol):
    """Products as they are at this moment, whoever published them."""

    async def find(self, names: Iterable[str]) -> Mapping[str, Product]:
        """Returns those of the named products that there are, by their newest versions."""

    async def check_known(self, name: str) -> None:
        """Raises ProductUnknownError when there is no such product, retired or not."""
