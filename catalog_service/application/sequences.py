"""Shows, lists and loads sequences."""

from __future__ import annotations

from collections import abc

from catalog_service.application.ports.contents import LoadCounts
from catalog_service.application.ports.unit_of_work import UnitOfWorkFactory
from catalog_service.domain.contents import Sequence
from catalog_service.domain.errors import ContentNotFoundError, refuse_duplicates
from service_kit.paging import Page, PageRequest


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


class ListSequences:
    """Returns the sequences after a page token, by number."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, *, page_size: int, page_token: str) -> Page[Sequence]:
        """A size of 0 means 20. Raises InvalidArgumentError, PAGE_TOKEN_INVALID."""
        page = PageRequest("ListSequences", page_size, page_token)
        after = page.number() or 0
        async with self._units() as unit:
            return await page.fill(
                lambda limit: unit.sequences.page(after, limit), lambda sequence: sequence.sequence_id
            )


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
