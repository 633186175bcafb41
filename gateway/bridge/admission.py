"""How many may listen at once."""

from __future__ import annotations

from collections import Counter


class Full(Exception):  # noqa: N818 - a state, not a fault
    """Nobody more is let in."""


class UserFull(Full):
    """Nobody more of this user is let in."""


class Admission:
    """Counts connections, in all and of each user."""

    def __init__(self, limit: int, limit_per_user: int) -> None:
        self._limit = limit
        self._limit_per_user = limit_per_user
        self._of_user: Counter[int] = Counter()

    def enter(self, user_id: int) -> None:
        """Takes a place. Raises UserFull or Full."""
        if self._of_user[user_id] >= self._limit_per_user:
            raise UserFull
        if self._of_user.total() >= self._limit:
            raise Full
        self._of_user[user_id] += 1

    def leave(self, user_id: int) -> None:
        """Gives the place back."""
        self._of_user[user_id] -= 1
        if not self._of_user[user_id]:
            del self._of_user[user_id]
