"""Limits on how many calls are under way at once: of everybody together, and of one account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from service_kit.errors import TooManyAtOnceError
from service_kit.turns import Turns

# Long calls end when their clients want: who comes back at once finds no slot.
_LONG_WAIT_SECONDS = 10


@dataclass(slots=True, eq=False)
class ConcurrencyLimit:
    """How many calls of one kind may be under way, `what` being their name in the plural.

    `retry_after` is what a client is told that finds no slot, in seconds.
    Streams make their pieces in `turns`, all at once without. The platform's own
    calls take no slot, but their turn.
    """

    what: str
    total: int
    per_user: int
    retry_after: int = _LONG_WAIT_SECONDS
    turns: Turns | None = None
    _of_user: Counter[int] = field(default_factory=Counter, init=False)
    # Their sum: adding them up would cost each call a walk over all.
    _held: int = field(default=0, init=False)

    def acquire(self, user_id: int) -> None:
        """Takes a slot. Raises TooManyAtOnceError. User 0 is nobody, of whom there are many."""
        if user_id and self._of_user[user_id] >= self.per_user:
            raise TooManyAtOnceError(self.what, self.per_user, self.retry_after)
        if self._held >= self.total:
            raise TooManyAtOnceError(self.what, self.total, self.retry_after)
        self._of_user[user_id] += 1
        self._held += 1

    def release(self, user_id: int) -> None:
        """Gives a slot back."""
        self._of_user[user_id] -= 1
        self._held -= 1
        if not self._of_user[user_id]:
            del self._of_user[user_id]

    def in_use(self) -> int:
        """Returns how many calls are under way."""
        return self._held


class Slot:
    """One call's slot, which is released once, whoever does so first."""

    def __init__(self) -> None:
        self._held: tuple[ConcurrencyLimit, int] | None = None

    def acquire(self, limit: ConcurrencyLimit, user_id: int) -> None:
        """Takes a slot of a limit. Raises TooManyAtOnceError."""
        limit.acquire(user_id)
        self._held = (limit, user_id)

    def release(self) -> None:
        """Gives back what is held."""
        if self._held is not None:
            limit, user_id = self._held
            self._held = None
            limit.release(user_id)


@dataclass(frozen=True, slots=True)
class ConcurrencyLimits:
    """Which limit a method's calls are under: that of their own kind, or else that of all calls.

    `special` is by the methods' full names, such as `/practice.x.v1.X/Get`.
    """

    calls: ConcurrencyLimit
    special: Mapping[str, ConcurrencyLimit] = field(default_factory=dict)

    @classmethod
    def of(
        cls, calls: ConcurrencyLimit, *special: tuple[ConcurrencyLimit, Collection[str]]
    ) -> ConcurrencyLimits:
        """Returns the limits in which each kind has its methods."""
        return cls(calls, {method: limit for limit, methods in special for method in methods})

    def at(self, method: str) -> ConcurrencyLimit:
        """Returns the limit that a method's calls are under."""
        return self.special.get(method, self.calls)


def default_limits() -> ConcurrencyLimits:
    """Returns the limits of a service that names none."""
    return ConcurrencyLimits(ConcurrencyLimit("calls", total=500, per_user=100, retry_after=1))
