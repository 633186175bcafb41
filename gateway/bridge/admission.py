"""How many may listen at once, and who gives way when all places are taken."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass


class TooManyError(Exception):
    """There is no place left, and nobody who has more than the newcomer."""


class TooManyOfOneError(Exception):
    """This user, or this network address, has all the places that one gets: `limit`."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


@dataclass(frozen=True, slots=True)
class Places:
    """How many there are: in all, for one user, and for one network address."""

    in_all: int
    per_user: int
    per_address: int


@dataclass(eq=False, slots=True)
class Place:
    """One listener's place. `give_way` tells the listener that it is another one's now."""

    user_id: int
    address: str
    give_way: Callable[[], None]
    held: bool = True


class Admission:
    """Counts connections, in all, of each user and of each address.

    When all places are taken, the address that has most of them gives up its
    oldest, unless the newcomer's has as many: whoever takes many places takes
    them from nobody.
    """

    def __init__(self, places: Places) -> None:
        self._places = places
        self._of_user: Counter[int] = Counter()
        # Each in the order in which they came.
        self._at: dict[str, dict[Place, None]] = defaultdict(dict)

    def enter(self, user_id: int, address: str, give_way: Callable[[], None]) -> Place:
        """Takes a place. Raises TooManyOfOneError or TooManyError."""
        here = len(self._at.get(address, ()))
        if self._of_user[user_id] >= self._places.per_user:
            raise TooManyOfOneError(self._places.per_user)
        if here >= self._places.per_address:
            raise TooManyOfOneError(self._places.per_address)
        if self._of_user.total() >= self._places.in_all:
            self._make_room(here)
        place = Place(user_id, address, give_way)
        self._of_user[user_id] += 1
        self._at[address][place] = None
        return place

    def leave(self, place: Place) -> None:
        """Gives a place back, unless it was taken away before."""
        if not place.held:
            return
        place.held = False
        self._of_user[place.user_id] -= 1
        if not self._of_user[place.user_id]:
            del self._of_user[place.user_id]
        del self._at[place.address][place]
        if not self._at[place.address]:
            del self._at[place.address]

    def _make_room(self, here: int) -> None:
        most = max(self._at.values(), key=len)
        # With one more for the newcomer they would have as many.
        if len(most) <= here + 1:
            raise TooManyError
        oldest = next(iter(most))
        self.leave(oldest)
        oldest.give_way()
