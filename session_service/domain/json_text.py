"""JSON read without giving up how it was written."""

from __future__ import annotations

import json
from typing import Any

_WHITE_SPACE = " \t\n\r"


class Number(str):
    """A number as it was written: a double would not give it back."""

    __slots__ = ()


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=_refuse_constant)


def read(text: str) -> Any:
    """Returns the document, numbers as they were written. Raises ValueError for what is not JSON.

    Check the depth before: the parser recurses.
    """
    return _decoder.decode(text)


def members(text: str) -> dict[str, tuple[Any, str]]:
    """Returns an object's members, each as `read` has it and as the very text it was written in.

    Of a key that occurs twice the last counts. Raises ValueError for what is not a JSON object.
    """
    found: dict[str, tuple[Any, str]] = {}
    at = _expect(text, _skip(text, 0), "{")
    while True:
        if text[at : at + 1] == "}" and not found:
            break
        key, at = _decoder.raw_decode(text, at)
        # The class matters: a Number is a string, and no key.
        if type(key) is not str:
            raise ValueError("a key is a string")
        start = _expect(text, _skip(text, at), ":")
        value, end = _decoder.raw_decode(text, start)
        found[key] = (value, text[start:end])
        at = _skip(text, end)
        if text[at : at + 1] == "}":
            break
        at = _expect(text, at, ",")
    if _skip(text, at + 1) != len(text):
        raise ValueError("there is more after the object")
    return found


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _WHITE_SPACE:
        at += 1
    return at


def _expect(text: str, at: int, character: str) -> int:
    """Returns where the next token begins, after `character`."""
    if text[at : at + 1] != character:
        raise ValueError(f"{character} expected")
    return _skip(text, at + 1)
