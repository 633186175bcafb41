"""How many may listen at once."""

from __future__ import annotations

from collections import Counter


class TooManyError(Exception):
    """There is no place left."""


class TooManyOfOneUserError(Exception):
    """This user has all the places that one user gets."""


class Admission:
    """Counts connections, in all and of each user."""

    def __init__(self, limit: int, limit_per_user: int) -> None:
        self._limit = limit
        self._limit_per_user = limit_per_user
        self._of_user: Counter[int] = Counter()
        self._in_all = 0

    def enter(self, user_id: int) -> None:
        """Takes a place. Raises TooManyOfOneUserError or TooManyError."""
        if self._of_user[user_id] >= self._limit_per_user:
            raise TooManyOfOneUserError
        if self._in_all >= self._limit:
            raise TooManyError
        self._of_user[user_id] += 1
        self._in_all += 1

    def leave(self, user_id: int) -> None:
        """Gives the place back."""
        self._in_all -= 1
        self._of_user[user_id] -= 1
        if not self._of_user[user_id]:
            del self._of_user[user_id]
