"""Names of what is practised, such as `exercises/123` and `words/en-hello`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

_NAME = re.compile(r"([a-z]+)/([a-z0-9][a-z0-9-]{0,63})", re.ASCII)
# Eighteen digits always fit 64 bits.
_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Name:
    """A parsed name."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.id}"


def parse_names(texts: Iterable[str]) -> list[Name]:
    """Returns the names in the order given, without those that cannot name anything."""
    matches = (_NAME.fullmatch(text) for text in texts)
    return [Name(match[1], match[2]) for match in matches if match]


def ids_by_kind(names: Iterable[Name]) -> dict[str, set[str]]:
    """Returns the ids asked for of each kind."""
    ids: dict[str, set[str]] = defaultdict(set)
    for name in names:
        ids[name.kind].add(name.id)
    return ids


def numbers_among(ids: Iterable[str]) -> Collection[int]:
    """Returns the ids that are numbers as the catalog writes them."""
    return {int(text) for text in ids if _NUMBER.fullmatch(text)}
