"""Compares an answer with the one a document shows."""

from __future__ import annotations

import re
from typing import Any

TIMES = {
    "seconds": re.compile(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$"),
    "milliseconds": re.compile(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$"),
}


def kind(value: Any) -> str:
    """Returns a JSON value's type; true and false are no numbers."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return {str: "string", list: "array", dict: "object"}[type(value)]


def assert_like(answer: Any, shown: Any, *, values: bool = False, path: str = "$") -> None:
    """Asserts that an answer has every name of the one shown, each of the type shown.

    With `values`, each value too. An answer may carry more names.
    """
    assert kind(answer) == kind(shown), f"{path} is a {kind(answer)}, the document shows a {kind(shown)}"
    if isinstance(shown, dict):
        for name, value in shown.items():
            assert name in answer, f"{path} lacks {name}"
            assert_like(answer[name], value, values=values, path=f"{path}.{name}")
    elif isinstance(shown, list):
        for position, value in enumerate(shown):
            assert len(answer) > position, f"{path} has {len(answer)} items, the document shows more"
            assert_like(answer[position], value, values=values, path=f"{path}[{position}]")
    elif values:
        assert answer == shown, f"{path} is {answer!r}, the document shows {shown!r}"


def assert_time(text: str, precision: str) -> None:
    """Asserts that a time has the document's form."""
    assert TIMES[precision].match(text), f"{text} is not RFC 3339 in UTC to {precision}"
