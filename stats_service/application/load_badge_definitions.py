"""Creates and changes badge definitions."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from service_kit.errors import InvalidArgumentError, InvalidStateError
from stats_service.application.ports.badge_shelf import OpenBadgeShelf
from stats_service.application.ports.surroundings import BackfillQueue, CompileCondition
from stats_service.domain.badges import BadgeContent
from stats_service.domain.conditions import Condition, ConditionError

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

    def __init__(
        self, open_shelf: OpenBadgeShelf, backfills: BackfillQueue, compile_condition: CompileCondition
    ) -> None:
        self._compile = compile_condition
        self._open_shelf = open_shelf
        self._backfills = backfills

    async def __call__(self, badges: Sequence[BadgeContent]) -> Loaded:
        """Gives changed badges a new version and asks for a backfill when anybody is behind.

        Badges left out stay as they are. Raises InvalidArgumentError for one
        that cannot be earned or shown, InvalidStateError for one that would
        become a draft again, UnavailableError when the backfill could not be
        asked for: the definitions are in force then, and loading them again
        asks again. Idempotent.
        """
        check_badges(badges, self._compile)
        async with self._open_shelf() as shelf:
            newest = await shelf.newest()
            check_states(badges, await shelf.ever_active())
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


def check_badges(badges: Sequence[BadgeContent], compile_condition: CompileCondition) -> None:
    """Raises InvalidArgumentError for the first badge that cannot be earned or shown."""
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
        check_demand(badge, compile_condition)
        seen.add(badge.badge_id)


def check_states(badges: Sequence[BadgeContent], ever_active: Collection[str]) -> None:
    """Raises InvalidStateError for the first draft of a badge that could be earned: people may have it."""
    for badge in badges:
        if badge.state == "inactive" and badge.badge_id in ever_active:
            raise InvalidStateError(
                f"Badge '{badge.badge_id}' was active, so it cannot be a draft again; lock it",
                reason="BADGE_STATE_INVALID",
                badge_id=badge.badge_id,
            )


def check_demand(
    badge: BadgeContent, compile_condition: CompileCondition, place: str = "badge_definitions"
) -> Condition:
    """Returns what earns a badge; raises InvalidArgumentError when nothing can. `place` is for metadata."""
    if badge.first_day and badge.last_day and badge.last_day < badge.first_day:
        raise _invalid(badge, "last_date", "is before the first", place)
    try:
        return compile_condition(badge.condition)
    except ConditionError as error:
        raise _invalid(badge, "condition", str(error), place) from error


def _invalid(
    badge: BadgeContent, field: str, rule: str, place: str = "badge_definitions"
) -> InvalidArgumentError:
    whose = f"Badge '{badge.badge_id}'" if badge.badge_id else "The badge"
    return InvalidArgumentError(f"{whose}: {field} {rule}", reason="FIELD_INVALID", field=f"{place}.{field}")
