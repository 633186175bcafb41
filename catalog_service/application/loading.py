"""What every load of content keeps to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from catalog_service.domain.errors import FieldInvalidError


def refuse_duplicates(what: str, ids: Iterable[int | str], *, field: str) -> None:
    """Raises FieldInvalidError when an id comes twice: which of the two would be kept?"""
    twice = [each for each, times in Counter(ids).items() if times > 1]
    if twice:
        raise FieldInvalidError(f"{what} {twice[0]} comes more than once", field=field, rule="unique")
