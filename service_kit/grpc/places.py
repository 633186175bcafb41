"""How many calls may be under way at once: of everybody together, and of one account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from service_kit.errors import TooManyAtOnceError
from service_kit.turns import Turns

# Long calls end when their clients want: who comes back at once finds no place.
_LONG_WAIT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Places:
    """The places that calls of one kind have, `what` being their name in the plural.

    `retry_after` is what a client is told that finds none, in seconds. Streams
    make their pieces in `turns`, all at once without. The platform's own calls
    take no place, but their turn.
    """

    what: str
    in_all: int
    per_user: int
    retry_after: int = _LONG_WAIT_SECONDS
    turns: Turns | None = None
    _of_user: Counter[int] = field(default_factory=Counter, init=False)

    def take(self, user_id: int) -> None:
        """Takes a place. Raises TooManyAtOnceError. User 0 is nobody, of whom there are many."""
        if user_id and self._of_user[user_id] >= self.per_user:
            raise TooManyAtOnceError(self.what, self.per_user, self.retry_after)
        if self._of_user.total() >= self.in_all:
            raise TooManyAtOnceError(self.what, self.in_all, self.retry_after)
        self._of_user[user_id] += 1

    def leave(self, user_id: int) -> None:
        """Gives a place back."""
        self._of_user[user_id] -= 1
        if not self._of_user[user_id]:
            del self._of_user[user_id]

    def taken(self) -> int:
        """Returns how many calls are under way."""
        return self._of_user.total()


class Seat:
    """One caller's place, which is given back once, whoever thinks of it first."""

    def __init__(self) -> None:
        self._held: tuple[Places, int] | None = None

    def take(self, places: Places, user_id: int) -> None:
        """Takes a place. Raises TooManyAtOnceError."""
        places.take(user_id)
        self._held = (places, user_id)

    def leave(self) -> None:
        """Gives back what is held."""
        if self._held is not None:
            places, user_id = self._held
            self._held = None
            places.leave(user_id)


@dataclass(frozen=True, slots=True)
class Seating:
    """Which places a method's calls take: those of its own kind, or else those of all calls.

    `special` is by the methods' full names, such as `/practice.x.v1.X/Get`.
    """

    calls: Places
    special: Mapping[str, Places] = field(default_factory=dict)

    @classmethod
    def of(cls, calls: Places, *special: tuple[Places, Collection[str]]) -> Seating:
        """Returns the seating in which each kind has its methods."""
        return cls(calls, {method: places for places, methods in special for method in methods})

    def at(self, method: str) -> Places:
        """Returns the places that a method's calls take."""
        return self.special.get(method, self.calls)


def default_seating() -> Seating:
    """Returns what a service has that says nothing."""
    return Seating(Places("calls", in_all=500, per_user=100, retry_after=1))
