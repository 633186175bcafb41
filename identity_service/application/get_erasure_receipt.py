"""Shows the receipt of an erasure."""

from __future__ import annotations

from uuid import UUID

from identity_service.application.ports import UnitOfWorkFactory
from identity_service.domain.erasure import Erasure
from identity_service.domain.errors import ReceiptNotFoundError


class GetErasureReceipt:
    """Returns what is known of an erasure."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, receipt_id: UUID) -> Erasure:
        """Raises ReceiptNotFoundError."""
        async with self._units() as unit:
            erasure = await unit.erasures.get(receipt_id)
        if erasure is None:
            raise ReceiptNotFoundError(receipt_id)
        return erasure
