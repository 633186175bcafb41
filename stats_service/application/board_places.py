"""Where a page of a board ends, as a page token carries it: without showing an account's number."""

from __future__ import annotations

import hmac
import secrets
from typing import Any

from service_kit.paging import invalid_page_token
from stats_service.application.ports.leaderboards import Place

_LARGEST = 2**63


def seal_place(place: Place, key: bytes) -> list[int | str]:
    """Returns a JSON value that only who has the key can read the account from."""
    nonce = secrets.token_hex(8)
    return [place.value, nonce, place.user_id ^ _mask(nonce, key)]


def open_place(sealed: Any, key: bytes) -> Place | None:
    """Returns the place in what was sealed, None for None. Raises InvalidArgumentError for anything else."""
    if sealed is None:
        return None
    try:
        value, nonce, hidden = sealed
        if not (_is_count(value) and isinstance(nonce, str) and _is_count(hidden)):
            raise invalid_page_token()
        return Place(value, hidden ^ _mask(nonce, key))
    except (TypeError, ValueError) as error:
        raise invalid_page_token() from error


def _is_count(number: Any) -> bool:
    return type(number) is int and 0 <= number < _LARGEST


def _mask(nonce: str, key: bytes) -> int:
    digest = hmac.digest(key, f"leaderboard page {nonce}".encode(), "sha256")
    return int.from_bytes(digest[:8], "big") % _LARGEST
