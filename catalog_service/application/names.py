"""Names of what is practised, such as `exercises/123`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

# Eighteen digits always fit 64 bits.
_NAME = re.compile(r"([a-z]+)/([1-9][0-9]{0,17})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Name:
    """A parsed name."""

    kind: str
    number: int

    def __str__(self) -> str:
        return f"{self.kind}/{self.number}"


def parse_names(texts: Iterable[str]) -> list[Name]:
    """Returns the names in the order given, without those that cannot name anything."""
    matches = (_NAME.fullmatch(text) for text in texts)
    return [Name(match[1], int(match[2])) for match in matches if match]


def numbers_by_kind(names: Iterable[Name]) -> dict[str, set[int]]:
    """Returns the numbers asked for of each kind."""
    numbers: dict[str, set[int]] = defaultdict(set)
    for name in names:
        numbers[name.kind].add(name.number)
    return numbers
