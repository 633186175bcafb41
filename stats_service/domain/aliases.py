"""The names people go by on leaderboards."""

from __future__ import annotations

import hmac
import unicodedata

LONGEST_ALIAS = 40

# Control characters, halves of surrogate pairs, and separators of lines.
_UNSHOWN = frozenset({"Cc", "Cs", "Zl", "Zp"})
# What turns the direction of writing, also of what follows the name.
_TURNING = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
# Characters that leave nothing to see.
_BLANK = frozenset({"Cf", "Mn", "Me", "Zs"})


def anonymous_alias(user_id: int, key: bytes) -> str:
    """Returns the name of somebody who has not chosen one: always the same under a key.

    Accounts are counted from 1, so anybody could try them all: only the key,
    32 bytes that never leave the service, keeps a name from leading back to one.
    """
    digest = hmac.digest(key, f"leaderboard alias of account {user_id}".encode(), "sha256")
    return f"Learner {digest[:2].hex().upper()}"


def is_alias(text: str) -> bool:
    """Tells whether a text can be a name: 1 to 40 characters in a line, some to see, no spaces around."""
    return (
        1 <= len(text) <= LONGEST_ALIAS
        and text == text.strip()
        and not any(unicodedata.category(each) in _UNSHOWN for each in text)
        and not any(unicodedata.bidirectional(each) in _TURNING for each in text)
        and any(unicodedata.category(each) not in _BLANK for each in text)
    )
