"""Takes sequences from their authors."""

from __future__ import annotations

from collections import abc

from catalog_service.application.loading import refuse_duplicates
from catalog_service.application.ports import LoadCounts, UnitOfWorkFactory
from catalog_service.domain.contents import Sequence


class LoadSequences:
    """Creates or replaces sequences, all or none. Loading the same again changes nothing."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, sequences: abc.Sequence[Sequence]) -> LoadCounts:
        """Raises FieldInvalidError when one comes twice."""
        refuse_duplicates(
            "Sequence", (sequence.sequence_id for sequence in sequences), field="sequences.sequence_id"
        )
        async with self._units() as unit:
            counts = await unit.sequences.put(sequences)
            await unit.commit()
        return counts
