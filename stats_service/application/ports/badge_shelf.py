"""Where badge definitions are published."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from stats_service.domain.badges import BadgeContent


class BadgeShelf(Protocol):
    """One transaction on the badge definitions; no completion is applied while it lasts."""

    async def newest(self) -> Mapping[str, tuple[int, BadgeContent]]:
        """Returns the newest version of every badge."""

    async def ever_active(self) -> Collection[str]:
        """Returns the badges of which some version could be earned."""

    async def publish(self, badges: Sequence[tuple[int, BadgeContent]]) -> None:
        """Stores new versions, which replace the ones before as of now and make a new revision."""

    async def anybody_outdated(self) -> bool:
        """Tells whether the progress of some person was made with an older book."""

    async def commit(self) -> None:
        """Makes the work durable."""


OpenBadgeShelf = Callable[[], AbstractAsyncContextManager[BadgeShelf]]
