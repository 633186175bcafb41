"""What comments in the contracts say to readers, and to programs: forms, bounds and defaults."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

Schema = dict[str, Any]

# How a comment goes on after the name of what it is on, where the rest reads better without.
_LINKING = re.compile(r"^(?:is|are|carries) |^(?:says|tells) (?=(?:what|whether|how|who|why|when|which)\b)")
_ERRORS = re.compile(r"(?:^|\s)Errors: ([^.]*)\.")
_REASON = re.compile(r"(?<![`\w])[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+(?![`\w])")
_METHOD = re.compile(r"(?<![`\w.])(?:[A-Z]\w*Service\.)?([A-Z][a-z]+(?:[A-Z][a-z]+)+)\b")

# Of a summary, characters.
_LONGEST = 90

_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_HEX = re.compile(r"\b(\d+) hex digits\b")
_UP_TO = re.compile(r"\b0 to ([\d,]+)\b")
_DEFAULT = re.compile(
    r"(?:^|[;,:(] ?|\) )(?:`(?P<text>[\w-]+)`|(?P<number>\d[\d,]*))(?:, the [^,;]+)?,? \(?(?:as )?"
    r"when (?:left out|empty|0)\b"
)


def without_subject(comment: str, name: str) -> str:
    """Returns a comment that begins with the name of a message, an enum or a service without it."""
    subject, _, rest = comment.partition(" ")
    if subject != name.rpartition(".")[2]:
        return comment
    rest = _LINKING.sub("", rest)
    return rest[:1].upper() + rest[1:]


def summary_of(comment: str) -> str:
    """Returns the first sentence without its full stop; of a long one what stands before a colon."""
    sentence = comment.partition(". ")[0].partition("\n")[0].removesuffix(".")
    return sentence if len(sentence) <= _LONGEST else re.split("[:;] ", sentence)[0]


def description_of(comment: str, methods: Collection[str]) -> str:
    """Returns a method's comment as REST tells it: with operations in place of `methods`, errors last."""
    text = _METHOD.sub(
        lambda found: f"`{operation_name(found[1])}`" if found[1] in methods else found[0],
        _ERRORS.sub("", comment).strip(),
    )
    errors = (f"Errors of its own: {each}." for each in _ERRORS.findall(comment))
    return _REASON.sub(lambda reason: f"`{reason[0]}`", "\n\n".join((text, *errors)))


def operation_name(method: str) -> str:
    """Returns what an operation is called by the name of its method: `StartSession` is `startSession`."""
    return method[:1].lower() + method[1:]


def text_form(name: str, comment: str, pattern: str, *, sent: bool) -> Schema:
    """Returns the form of a text: a date, an instant, digits; empty where nothing tells.

    An answer may be empty where its comment says so; in a request that is left out.
    """
    if "RFC 3339" in comment:
        return {} if "or a date" in comment else {"format": "date-time"}
    told_so = "`YYYY-MM-DD`" in comment or pattern.endswith(f"{_DATE}$")
    if told_so or name == "date" or name.endswith("_date"):
        certain = sent or (told_so and "empty" not in comment) or "null" in comment
        return {"format": "date"} if certain else {"pattern": f"^$|^{_DATE}$"}
    digits = _HEX.search(comment)
    return {"pattern": f"^[0-9a-f]{{{digits[1]}}}$"} if digits else {}


def bounds_of(comment: str) -> Schema:
    """Returns the bounds of an answered number, where its comment says `0 to` so many."""
    found = _UP_TO.search(comment)
    return {"minimum": 0, "maximum": _number(found[1])} if found else {}


def default_of(comment: str) -> str | int | None:
    """Returns what holds when a field is left out, as its comment says; None where it does not."""
    found = _DEFAULT.search(comment)
    if found is None:
        return None
    return found["text"] or _number(found["number"])


def _number(digits: str) -> int:
    return int(digits.replace(",", ""))
