"""The names people go by on leaderboards."""

from __future__ import annotations

import hmac
import re

from service_kit.visible_text import appearance, is_visible_line

LONGEST_ALIAS = 40

_ANONYMOUS = re.compile(r"learner ?[0-9a-f]{4}")


def anonymous_alias(user_id: int, key: bytes) -> str:
    """Returns the name of somebody who has not chosen one: always the same under a key.

    Accounts are counted from 1, so anybody could try them all: only the key,
    32 bytes that never leave the service, keeps a name from leading back to one.
    """
    digest = hmac.digest(key, f"leaderboard alias of account {user_id}".encode(), "sha256")
    return f"Learner {digest[:2].hex().upper()}"


def is_alias(text: str) -> bool:
    """Tells whether a text can be a name: 1 to 40 characters in a line, some to see, no spaces around."""
    return 1 <= len(text) <= LONGEST_ALIAS and text == text.strip() and is_visible_line(text)


def is_anonymous_form(text: str) -> bool:
    """Tells whether a name looks like one of somebody who has not chosen any."""
    return _ANONYMOUS.fullmatch(appearance(text)) is not None
