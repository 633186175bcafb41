"""Tells who would have a badge if it were published, by the function that would give it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from stats_service.application.load_badge_definitions import check_demand
from stats_service.application.ports.badges import Population, Shard
from stats_service.application.ports.surroundings import Clock, CompileCondition
from stats_service.domain.awards import Awards
from stats_service.domain.badges import BadgeBook, BadgeContent, BadgeVersion
from stats_service.domain.conditions import SESSION
from stats_service.domain.derivation import derive
from stats_service.domain.facts import Facts, instant_of


@dataclass(frozen=True, slots=True)
class Earner:
    """A person who would get the badge, and the end of the session that would have earned it."""

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
    """Derives people's awards with a book of one badge; writes nothing. Synchronous: it computes."""

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
        """Examines at most `most` people after a number, for about the budget.

        The badge is taken for active, and as the next version of the one that
        has its id. Raises InvalidArgumentError for one that cannot be earned,
        UnavailableError when the database is in the way.
        """
        stop = self._monotonic() + self._budget
        candidate, book = self._book(badge)
        texts = frozenset(name for scope, name in candidate.condition.variables if scope == SESSION)
        found = DryRun(after_user_id=after_user_id)
        while found.examined < most:
            shard = self._population.shard(found.after_user_id or 0, most - found.examined, texts)
            if shard is None:
                found.after_user_id = None
                return found
            _examine(shard, candidate, book, found)
            if self._monotonic() > stop:
                break
        return found

    def people(self) -> int:
        """Returns how many people there are to examine. Raises UnavailableError."""
        return self._population.size()

    def _book(self, badge: BadgeContent) -> tuple[BadgeVersion, BadgeBook]:
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
        return candidate, BadgeBook(versions=(*known, candidate))


def _examine(shard: Shard, candidate: BadgeVersion, book: BadgeBook, found: DryRun) -> None:
    awards = derive(shard.facts, shard.people, book).awards
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
