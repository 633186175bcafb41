"""Reads JSON and keeps how it was written."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import orjson

# More than any body of ours has.
MOST_MEMBERS = 48

_WHITE_SPACE = re.compile(r"[ \t\n\r]*")
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
# To its end, or to that of a text that ends within it.
_STRING = re.compile(rb'"[^"]*(?:"|\Z)')
_WHITE = b" \t\n\r"
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NEITHER_BRACKET_NOR_QUOTE = bytes(set(range(256)) - set(b'[]{}"'))


class Number(str):
    """A number as it was written: a double would not give it back."""

    __slots__ = ()


class Member(NamedTuple):
    """A member of an object: its value, the very text of that, and where in the object it begins."""

    value: Any
    written: str
    start: int


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


# Numbers as they were written, and no constant that JSON does not have.
decoder = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=_refuse_constant)


def read(text: str) -> Any:
    """Returns the document, numbers as they were written. Raises ValueError for what is not JSON.

    Check the depth before: the parser recurses.
    """
    return decoder.decode(text)


def canonical_object(data: bytes) -> bytes | None:
    """Returns the canonical JSON of an object, None for what takes `read` to tell.

    That is what is no object, and what is not spelled as browsers spell: a number such as `1.0e0`, a
    character that need not be escaped, a key that occurs twice. Check the depth before.
    """
    try:
        document = orjson.loads(data)
        spelled = orjson.dumps(document)
        # Without white space, in texts too, both are the same tokens or not the same bytes; of texts the
        # value counts, of numbers the spelling.
        if spelled != data and spelled.translate(None, _WHITE) != data.translate(None, _WHITE):
            return None
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS) if type(document) is dict else None
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None


def members(text: str) -> dict[str, Member]:
    """Returns an object's members, each as `read` has it and as it was written.

    Of a key that occurs twice the last counts. Raises ValueError for what is not a JSON object,
    and for one of more than MOST_MEMBERS.
    """
    found: dict[str, Member] = {}
    at = _expect(text, _skip(text, 0), "{")
    for _ in range(MOST_MEMBERS):
        if text[at : at + 1] == "}" and not found:
            break
        key, at = decoder.raw_decode(text, at)
        # The class matters: a Number is a string, and no key.
        if type(key) is not str:
            raise ValueError("a key is a string")
        start = _expect(text, _skip(text, at), ":")
        value, end = decoder.raw_decode(text, start)
        found[key] = Member(value, text[start:end], start)
        at = _skip(text, end)
        if text[at : at + 1] == "}":
            break
        at = _expect(text, at, ",")
    else:
        raise ValueError("there are too many members")
    if _skip(text, at + 1) != len(text):
        raise ValueError("there is more after the object")
    return found


def is_deeper(data: bytes, levels: int) -> bool:
    """Tells whether brackets are nested deeper, before any parser recurses into them.

    Of text that is not JSON it may say no up to twice as deep.
    """
    # After a backslash nothing begins or ends; outside of a string every parser stops there.
    data = _ESCAPE.sub(b"", data) if b"\\" in data else data
    marks = data.translate(_BRACKETS, _NEITHER_BRACKET_NOR_QUOTE)
    # Two quotes side by side leave what comes after them as it was, within a string or outside: most
    # strings are nothing more.
    brackets = _STRING.sub(b"", marks.replace(b'""', b""))
    # The innermost pairs go first, a level at a time.
    for _ in range(levels):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"")
    # A bracket that closes nothing stops every parser.
    return not brackets.startswith(b"]") and (b"[]" in brackets or brackets.count(b"[") > levels)


def _skip(text: str, at: int) -> int:
    found = _WHITE_SPACE.match(text, at)
    return found.end() if found else at


def _expect(text: str, at: int, character: str) -> int:
    """Returns where the next token begins, after `character`."""
    if text[at : at + 1] != character:
        raise ValueError(f"{character} expected")
    return _skip(text, at + 1)
