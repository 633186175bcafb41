"""Creates and changes badge definitions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from service_kit.errors import InvalidArgumentError
from stats_service.application.ports import BackfillQueue, OpenBadgeShelf
from stats_service.domain.badges import METRICS, BadgeContent

_BADGE_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST = {"badge_id": 80, "name": 100, "description": 500, "icon": 100, "product": 40}


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many definitions loading created, gave a new version, and found the same."""

    created: int
    updated: int
    unchanged: int


class LoadBadgeDefinitions:
    """Publishes definitions, all or none."""

    def __init__(self, open_shelf: OpenBadgeShelf, backfills: BackfillQueue) -> None:
        self._open_shelf = open_shelf
        self._backfills = backfills

    async def __call__(self, badges: Sequence[BadgeContent]) -> Loaded:
        """Gives changed badges a new version and asks for a backfill when anybody is behind.

        Badges left out stay as they are. Raises InvalidArgumentError for one
        that cannot be earned or shown, UnavailableError when the backfill could
        not be asked for: the definitions are in force then, and loading them
        again asks again. Idempotent.
        """
        _check(badges)
        async with self._open_shelf() as shelf:
            newest = await shelf.newest()
            changed = [
                (newest[badge.badge_id][0] + 1 if badge.badge_id in newest else 1, badge)
                for badge in badges
                if newest.get(badge.badge_id, (0, None))[1] != badge
            ]
            if changed:
                await shelf.publish(changed)
            outdated = await shelf.anybody_outdated()
            await shelf.commit()
        if outdated:
            await self._backfills.request()
        created = sum(version == 1 for version, _ in changed)
        return Loaded(created, len(changed) - created, len(badges) - len(changed))


def _check(badges: Sequence[BadgeContent]) -> None:
    seen: set[str] = set()
    for badge in badges:
        for field, longest in _LONGEST.items():
            text = getattr(badge, field)
            if not 1 <= len(text) <= longest or "\0" in text:
                raise _invalid(badge, field, f"needs 1 to {longest} characters")
        if not _BADGE_ID.fullmatch(badge.badge_id):
            raise _invalid(badge, "badge_id", "has small letters, digits and single hyphens only")
        if badge.badge_id in seen:
            raise _invalid(badge, "badge_id", "is given twice")
        if badge.metric not in METRICS:
            raise _invalid(badge, "metric", f"is one of {', '.join(METRICS)}")
        if badge.threshold < 1:
            raise _invalid(badge, "threshold", "is at least 1")
        seen.add(badge.badge_id)


def _invalid(badge: BadgeContent, field: str, rule: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"Badge '{badge.badge_id}': {field} {rule}",
        reason="FIELD_INVALID",
        field=f"badge_definitions.{field}",
    )
