"""How a kind of content is described: its files, its fields, and the rule of each, as data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One piece of text, 1 to `longest` characters long."""

    longest: int
    choices: tuple[str, ...] = ()
    # A regular expression for the whole text, and what to tell an author whose text does not match it.
    pattern: str = ""
    pattern_hint: str = ""


@dataclass(frozen=True, slots=True)
class ProductName:
    """The name of a product that there is, or one of the words that stand for several."""

    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of some words, each with what the message says instead."""

    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Flag:
    """`yes` or `no`."""


@dataclass(frozen=True, slots=True)
class Day:
    """A date, such as 2026-12-01."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A question that earns a badge, as docs/badges.md has them, about products that there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A whole number from `smallest` to `largest`."""

    smallest: int = 1
    largest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decimal:
    """A number above 0 and up to `largest`, whole or with a decimal point."""

    largest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TextList:
    """From 1 to `most` different texts, each 1 to `longest` characters long."""

    most: int
    longest: int
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryList:
    """From 1 to `most` entries inside an entry, such as the words of an activity."""

    name: str
    most: int
    fields: tuple[Field, ...]
    # The field that is unique over all files of the kind; empty when entries have none.
    identity: str = ""
    # The text field, named alike in the message, that no two entries of one list share.
    distinct: str = ""


PlainRule = Text | ProductName | Choice | Flag | Day | Condition | Number | Decimal | TextList
Rule = PlainRule | EntryList


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an entry."""

    # Its name in the file.
    key: str
    # Its name in the message that is loaded.
    message_field: str
    rule: Rule
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """`field` is at most `largest` in an entry whose field `when` is `value`."""

    field: str
    largest: int
    when: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The day `last` is not before the day `first` in an entry that has both."""

    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of content: files that hold a list of entries alike."""

    name: str
    # Which files hold it, as a glob inside the content directory.
    files: str
    # The field that is unique over all of these files.
    identity: str
    fields: tuple[Field, ...]
    bounds: tuple[Bound, ...] = ()
    orders: tuple[Order, ...] = ()
    # Yields keys and what is wrong with an entry whose fields are right one by one.
    judge: Callable[[Mapping[str, Any]], Iterator[tuple[str, str]]] | None = None
