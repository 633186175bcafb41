"""Conditions of badges: the Common Expression Language over documented variables.

    focus.sessions >= 10
    total.best_streak >= 7 && session.hour < 8

A condition made of comparisons with constants, joined by `&&`, `||` and
parentheses, is read here into terms that are compared by the column. Any other
goes to a CEL program, completion by completion; both mean the same where both
apply.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

# Every product together.
TOTAL = "total"
SESSION = "session"

# Sums over counting completions until and including the one looked at. None ever shrinks.
SUMS: Mapping[str, str] = {
    "sessions": "sessions that count",
    "seconds": "time of theirs that counts, seconds",
    "minutes": "the same in whole minutes",
    "days": "days with practice",
    "answers": "answers given",
    "correct_answers": "right answers",
    "best_streak": "days of the longest streak so far",
}
# Of the one completion looked at.
SESSION_FACTS: Mapping[str, str] = {
    "product": "the product practised",
    "outcome": "`completed` or `partial`",
    "mode": "the product's mode, such as `review`; may be empty",
    "content": "what was practised, such as `activities/1`; may be empty",
    "seconds": "time of it that counts, seconds",
    "minutes": "the same in whole minutes",
    "answers": "answers given",
    "correct_answers": "right answers",
    "accuracy": "right answers in percent of the given, rounded down; 0 without any",
    "hour": "hour of the wall clock at the end, 0 to 23",
    "weekday": "the learner's own day, 0 Monday to 6 Sunday",
}

Variables = Mapping[str, Mapping[str, Any]]

# Deeper parentheses are left to CEL, which has a limit of its own.
_DEEPEST = 32
_TERM = re.compile(
    r"""\s*(?P<scope>[a-z][a-z0-9_]*)\.(?P<name>[a-z_]+)\s*(?P<operator>>=|<=|==|!=|>|<)\s*
        (?:(?P<number>-?\d{1,15})|"(?P<text>[^"\\]*)")\s*""",
    re.VERBOSE,
)
_VARIABLE = re.compile(r"\b([a-z][a-z0-9_]*)\.([a-z_]+)\b(?!\s*\()")
# What speaks of nothing: comments, and texts in quotes of every kind that CEL has, raw ones without escapes.
_QUOTED = re.compile(
    r"""//[^\n]*
        |(?i:\bb?r)(?P<raw>\"{3}|'{3}|\"|').*?(?P=raw)
        |(?P<quote>\"{3}|'{3}|\"|')(?:\\.|.)*?(?P=quote)""",
    re.VERBOSE | re.DOTALL,
)


class ConditionError(ValueError):
    """A text is no condition; the message says why, to an editor."""


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison of a variable with a constant."""

    scope: str
    name: str
    operator: str
    constant: int | str


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple[Terms, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one part holds."""

    parts: tuple[Terms, ...]


Terms = Term | All | Some


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that was checked. Equal when the texts are.

    `terms` are its comparisons and how they are joined, None when it is more
    than that; `holds` is the CEL program.
    """

    text: str
    terms: Terms | None = field(compare=False, default=None)
    holds: Callable[[Variables], bool] = field(compare=False, default=lambda _: False)

    @property
    def variables(self) -> frozenset[tuple[str, str]]:
        """The variables it speaks of, as scope and name."""
        return variables_in(self.text)


@lru_cache(maxsize=4_096)
def variables_in(text: str) -> frozenset[tuple[str, str]]:
    """Returns the variables that a condition's text speaks of, as scope and name."""
    return frozenset(_VARIABLE.findall(unquoted(text)))


def unquoted(text: str) -> str:
    """Returns a condition's text with empty ones for the texts in it, and without comments."""
    return _QUOTED.sub(lambda found: " " if found[0].startswith("//") else '""', text)


def read_terms(text: str) -> Terms | None:
    """Returns what a text compares and how it joins that, None when it is anything else."""
    if text.count("(") > _DEEPEST:
        return None
    terms, rest = _some(text)
    return None if rest.strip() else terms


def comparisons(terms: Terms | None) -> Iterator[Term]:
    """Yields every comparison of a condition."""
    match terms:
        case Term():
            yield terms
        case All(parts) | Some(parts):
            for part in parts:
                yield from comparisons(part)


# A sum, by scope and name, and the least that it has to be.
Need = tuple[tuple[str, str], int]


def needs_of(terms: Terms | None) -> tuple[Need, ...]:
    """Returns what a condition cannot hold without; there may be more."""
    match terms:
        case Term("session", "product", "==", str(product)):
            return (((product, "sessions"), 1),)
        case Term(scope, name, ">=", int(constant)) if scope != SESSION:
            return (((scope, name), constant),)
        case All(parts):
            return tuple(need for part in parts for need in needs_of(part))
        case _:
            return ()


# A reader returns what it read, None when it could not, and the text after it.
_Read = tuple[Terms | None, str]


def _some(text: str) -> _Read:
    return _joined(text, "||", Some, _all)


def _all(text: str) -> _Read:
    return _joined(text, "&&", All, _one)


def _joined(text: str, sign: str, kind: type[All | Some], read: Callable[[str], _Read]) -> _Read:
    parts: list[Terms] = []
    rest = text
    while True:
        part, rest = read(rest)
        if part is None:
            return None, text
        parts.append(part)
        rest = rest.lstrip()
        if not rest.startswith(sign):
            return (part if len(parts) == 1 else kind(tuple(parts))), rest
        rest = rest.removeprefix(sign)


def _one(text: str) -> _Read:
    text = text.lstrip()
    if text.startswith("("):
        terms, rest = _some(text.removeprefix("("))
        rest = rest.lstrip()
        return (terms, rest.removeprefix(")")) if rest.startswith(")") else (None, text)
    found = _TERM.match(text)
    if found is None:
        return None, text
    number = found["number"]
    constant = found["text"] if number is None else int(number)
    return Term(found["scope"], found["name"], found["operator"], constant), text[found.end() :]
