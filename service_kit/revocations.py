"""The access tokens that were ended before they expire, as a service knows them. Pure but for the log.

An account's tokens carry a number, its generation; whatever ends them raises
the number, and tokens with a lower one are refused from then on. Nothing is
compared by the clock, so a token made in the same second is not confused.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from service_kit.logging import get_logger

# What was ended is in the order of clocks, and seen in the order of commits.
OVERLAP = timedelta(seconds=30)
ASK_EVERY_SECONDS = 1.0

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Revocation:
    """An account whose tokens of a lower generation are ended."""

    user_id: int
    generation: int
    revoked_at: datetime


def _now() -> datetime:
    return datetime.now(UTC)


class Revocations:
    """What was ended within the longest life of a token: older ones have expired by themselves."""

    def __init__(self, lifetime: timedelta, clock: Callable[[], datetime] = _now) -> None:
        self._lifetime = lifetime
        self._clock = clock
        self._by_user: OrderedDict[int, Revocation] = OrderedDict()

    def note(self, revocations: Iterable[Revocation]) -> None:
        """Adds what was ended, oldest first, and forgets what no token is left of. Idempotent."""
        for each in revocations:
            known = self._by_user.get(each.user_id)
            if known is None or known.generation < each.generation:
                self._by_user[each.user_id] = each
                self._by_user.move_to_end(each.user_id)
        horizon = self._clock() - self._lifetime
        while self._by_user and next(iter(self._by_user.values())).revoked_at < horizon:
            self._by_user.popitem(last=False)

    def has_ended(self, user_id: int, generation: int) -> bool:
        """Tells whether an account's tokens of a generation are ended."""
        known = self._by_user.get(user_id)
        return known is not None and generation < known.generation

    def count(self) -> int:
        """Returns how many accounts are on record."""
        return len(self._by_user)


# Returns what was ended since a time, or all that still matters; oldest first.
FetchRevocations = Callable[[datetime | None], Awaitable[Sequence[Revocation]]]


class RevocationPoller:
    """Asks for what was ended since it last asked. While nobody answers, what is known stays in force."""

    def __init__(self, table: Revocations, fetch: FetchRevocations) -> None:
        self._table = table
        self._fetch = fetch
        self._latest: datetime | None = None
        self._reached = True

    async def __call__(self) -> None:
        """Asks once. Never raises but when it is cancelled."""
        since = self._latest - OVERLAP if self._latest else None
        try:
            fetched = await self._fetch(since)
        except Exception as error:
            # Whatever it is, what was ended is ended, and is heard of the next time.
            if self._reached:
                log.warning("revocations_unreachable", error=repr(error))
            self._reached = False
            return
        if not self._reached:
            log.info("revocations_reachable_again")
        self._reached = True
        self._table.note(fetched)
        if fetched:
            self._latest = max(each.revoked_at for each in fetched)
