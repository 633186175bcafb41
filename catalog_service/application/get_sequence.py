"""Shows one sequence."""

from __future__ import annotations

from catalog_service.application.ports import UnitOfWorkFactory
from catalog_service.domain.contents import Sequence
from catalog_service.domain.errors import ContentNotFoundError


class GetSequence:
    """Returns a sequence with its poses."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, sequence_id: int) -> Sequence:
        """Raises ContentNotFoundError for an unknown number."""
        async with self._units() as unit:
            sequence = await unit.sequences.get(sequence_id)
        if sequence is None:
            raise ContentNotFoundError(f"sequences/{sequence_id}")
        return sequence
