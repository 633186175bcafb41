"""Publishes badge definitions, and tells beforehand who would have a badge."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from service_kit.errors import InvalidArgumentError, InvalidStateError
from stats_service.application.ports.badges import (
    BackfillQueue,
    CompileCondition,
    OpenBadgePublication,
    Population,
    Shard,
)
from stats_service.application.ports.clock import Clock
from stats_service.domain.awards import Awards
from stats_service.domain.badges import BadgeCatalogue, BadgeContent, BadgeVersion
from stats_service.domain.conditions import SESSION, Condition, ConditionError
from stats_service.domain.derivation import derive
from stats_service.domain.facts import Facts, instant_of

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
        self,
        open_publication: OpenBadgePublication,
        backfills: BackfillQueue,
        compile_condition: CompileCondition,
    ) -> None:
        self._compile = compile_condition
        self._open_publication = open_publication
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
        async with self._open_publication() as publication:
            newest = await publication.newest()
            check_states(badges, await publication.ever_active())
            changed = [
                (newest[badge.badge_id][0] + 1 if badge.badge_id in newest else 1, badge)
                for badge in badges
                if newest.get(badge.badge_id, (0, None))[1] != badge
            ]
            if changed:
                await publication.publish(changed)
            outdated = await publication.anybody_outdated()
            await publication.commit()
        if outdated:
            await self._backfills.request()
        created = sum(version == 1 for version, _ in changed)
        return Loaded(created, len(changed) - created, len(badges) - len(changed))


def check_badges(badges: Sequence[BadgeContent], compile_condition: CompileCondition) -> None:
    """Raises InvalidArgumentError for the first badge that cannot be earned or shown."""
    seen: set[str] = set()
    for badge in badges:
        for name, longest in _LONGEST.items():
            text = getattr(badge, name)
            if not 1 <= len(text) <= longest or "\0" in text:
                raise _invalid(badge, name, f"needs 1 to {longest} characters")
        if not _BADGE_ID.fullmatch(badge.badge_id):
            raise _invalid(badge, "badge_id", "has small letters, digits and single hyphens only")
        if badge.badge_id in seen:
            raise _invalid(badge, "badge_id", "is given twice")
        check_demand(badge, compile_condition)
        seen.add(badge.badge_id)


def check_states(badges: Sequence[BadgeContent], ever_active: Collection[str]) -> None:
    """Raises InvalidStateError for the first draft of a badge that could be earned: learners may have it."""
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


@dataclass(frozen=True, slots=True)
class Earner:
    """A learner who would get the badge, and the end of the session that would have earned it."""

    user_id: int
    award_time: datetime


@dataclass(slots=True)
class DryRun:
    """What a part of a dry run found.

    `holders` have the badge by an earlier version. `after_user_id` is where to
    go on, None when nobody is left.
    """

    earners: list[Earner] = field(default_factory=list)
    holders: int = 0
    examined: int = 0
    after_user_id: int | None = None


class DryRunBadge:
    """Derives learners' awards with a catalogue of one badge; writes nothing. Synchronous: it computes."""

    def __init__(
        self,
        population: Population,
        compile_condition: CompileCondition,
        clock: Clock,
        *,
        budget_seconds: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._population = population
        self._compile = compile_condition
        self._clock = clock
        self._budget = budget_seconds
        self._monotonic = monotonic

    def __call__(self, badge: BadgeContent, *, after_user_id: int = 0, most: int) -> DryRun:
        """Examines at most `most` learners after a number, for about the budget.

        The badge is taken for active, and as the next version of the one that
        has its id. Raises InvalidArgumentError for one that cannot be earned,
        UnavailableError when the database is in the way.
        """
        stop = self._monotonic() + self._budget
        candidate, catalogue = self._catalogue(badge)
        texts = frozenset(name for scope, name in candidate.condition.variables if scope == SESSION)
        found = DryRun(after_user_id=after_user_id)
        while found.examined < most:
            shard = self._population.shard(found.after_user_id or 0, most - found.examined, texts)
            if shard is None:
                found.after_user_id = None
                return found
            _examine(shard, candidate, catalogue, found)
            if self._monotonic() > stop:
                break
        return found

    def learners(self) -> int:
        """Returns how many learners there are to examine. Raises UnavailableError."""
        return self._population.size()

    def _catalogue(self, badge: BadgeContent) -> tuple[BadgeVersion, BadgeCatalogue]:
        condition = check_demand(badge, self._compile, "badge_definition")
        now = self._clock()
        # Publishing the candidate would replace the newest version now.
        known = [
            replace(version, until=version.until or now)
            for version in self._population.versions(badge.badge_id)
        ]
        candidate = BadgeVersion(
            badge_id=badge.badge_id,
            version=max((version.version for version in known), default=0) + 1,
            condition=condition,
            first_day=badge.first_day,
            last_day=badge.last_day,
        )
        return candidate, BadgeCatalogue(versions=(*known, candidate))


def _examine(shard: Shard, candidate: BadgeVersion, catalogue: BadgeCatalogue, found: DryRun) -> None:
    awards = derive(shard.facts, shard.learners, catalogue).awards
    new = awards.version == candidate.version
    found.earners += _earners(shard.facts, awards, np.flatnonzero(new).tolist())
    found.holders += int(np.count_nonzero(~new))
    found.examined += len(shard.user_ids)
    found.after_user_id = shard.user_ids[-1]


def _earners(facts: Facts, awards: Awards, rows: Sequence[int]) -> Iterator[Earner]:
    users, places = awards.user.tolist(), awards.seq.tolist()
    starts = np.searchsorted(facts.user, awards.user).tolist()
    stops = np.searchsorted(facts.user, awards.user, side="right").tolist()
    for row in rows:
        mine = slice(starts[row], stops[row])
        place = int(np.flatnonzero(facts.seq[mine] == places[row])[0])
        yield Earner(users[row], instant_of(int(facts.end[mine][place])))
