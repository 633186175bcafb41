"""Describes violations of a request's rules in words that need no schema to be understood."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import protovalidate
from google.protobuf.message import Message

from service_kit.errors import Fault

_DAY = "a day such as 2026-05-15"
# A product, or `all` where all of them together have one.
_PRODUCT = "^[a-z][a-z0-9_]{0,31}$"
_NAME = re.compile(r"\^(\w+)/\[1-9\]\[0-9\]\{0,17\}\$")
# The patterns of the contracts that no name of a resource has.
_PATTERNS = {
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}$": _DAY,
    "^[0-9]{4}-(0[1-9]|1[0-2])$": "a month such as 2026-05",
    "^[a-z0-9][a-z0-9-]{0,63}$": "at most 64 small letters, digits and dashes, such as first-session",
    _PRODUCT: "at most 32 small letters, digits and underscores, such as focus",
    "^[a-z]+/[A-Za-z0-9_-]{1,64}$": "a name such as activities/123",
    "^pauses/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$": (
        "a name such as pauses/0b6d7a52-91b5-4c5e-8f0e-2f6f0c1d3a4b"
    ),
}
_MAY_BE_EMPTY = "^$|"
_WORDS = {
    "required": "is required",
    "string.uuid": "must be a UUID such as 0b6d7a52-91b5-4c5e-8f0e-2f6f0c1d3a4b",
    "repeated.unique": "must not have anything twice",
    "enum.defined_only": "must be one of the known values",
}
_BETWEEN = re.compile(r"must be greater than or equal to (\S+) and less than or equal to (\S+)")
_AT_LEAST = re.compile(r"must be greater than or equal to (\S+)")


def faults_of(request: Message) -> Sequence[Fault]:
    """Returns everything in a request that breaks a rule of its schema."""
    return [_fault(violation) for violation in protovalidate.collect_violations(request)]


def pattern_in_words(pattern: str) -> str | None:
    """Returns what a text that fits the pattern is, with an example; None for a pattern without words."""
    bare = pattern.removeprefix(_MAY_BE_EMPTY)
    resource = _NAME.fullmatch(bare)
    words = f"a name such as {resource[1]}/123" if resource else _PATTERNS.get(bare)
    return f"{words}, or left out" if words and bare != pattern else words


def _fault(violation: Any) -> Fault:
    told = violation.proto
    elements = told.field.elements if told.field is not None else []
    field = ".".join(element.field_name for element in elements)
    return Fault(field, _words(told.rule_id, violation.rule_value, told.message), told.rule_id)


def _words(rule: str, value: Any, message: str) -> str:
    """Returns a rule in words; those of protovalidate where they are plain."""
    if rule == "string.in":
        allowed = ", ".join(filter(None, value))
        return f"must be one of {allowed}" + (", or left out" if "" in value else "")
    if rule == "string.pattern":
        return f"must be {pattern_in_words(value) or 'written as the reference says'}"
    if rule == "string.min_len" and value == 1:
        return "must not be empty"
    between, at_least = _BETWEEN.fullmatch(message), _AT_LEAST.fullmatch(message)
    if between:
        return f"must be {between[1]} to {between[2]}"
    if at_least:
        return f"must be at least {at_least[1]}"
    return _WORDS.get(rule, message)
