"""Where a page of a board ends, as a page token carries it: without showing an account's number.

The number is masked, and all of it is authenticated: a caller who could try
other numbers or scores in a token would learn by halves who stands where.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Sequence
from typing import Any

from service_kit.paging import invalid_page_token
from stats_service.leaderboards.ports import Place

_LARGEST = 2**63


def seal_place(place: Place, selection: Sequence[object], key: bytes) -> list[int | str]:
    """Returns a JSON value that only who has the key can read the account from, or make."""
    nonce = secrets.token_hex(8)
    hidden = place.user_id ^ _mask(nonce, key)
    return [place.value, nonce, hidden, _seal(place.value, nonce, hidden, selection, key)]


def open_place(sealed: Any, selection: Sequence[object], key: bytes) -> Place | None:
    """Returns the place in what was sealed for the same selection, None for None.

    Raises InvalidArgumentError for anything else.
    """
    if sealed is None:
        return None
    try:
        value, nonce, hidden, seal = sealed
    except (TypeError, ValueError) as error:
        raise invalid_page_token() from error
    if not (_is_count(value) and isinstance(nonce, str) and _is_count(hidden) and isinstance(seal, str)):
        raise invalid_page_token()
    expected = _seal(value, nonce, hidden, selection, key)
    if not hmac.compare_digest(expected.encode(), seal.encode(errors="replace")):
        raise invalid_page_token()
    return Place(value, hidden ^ _mask(nonce, key))


def _is_count(number: Any) -> bool:
    return type(number) is int and 0 <= number < _LARGEST


def _mask(nonce: str, key: bytes) -> int:
    digest = hmac.digest(key, f"leaderboard page {nonce}".encode(), "sha256")
    return int.from_bytes(digest[:8], "big") % _LARGEST


def _seal(value: int, nonce: str, hidden: int, selection: Sequence[object], key: bytes) -> str:
    """Returns what only who has the key can make of these parts. JSON keeps them apart."""
    told = json.dumps(["leaderboard place", *map(str, selection), value, nonce, hidden])
    return hmac.digest(key, told.encode(), "sha256").hex()[:32]
