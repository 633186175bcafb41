"""What facts add up to, looked for one by one, without a column and without a thought for speed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from stats_service.domain.badges import BadgeVersion
from stats_service.domain.completion import ALL_PRODUCTS, Completion
from stats_service.domain.conditions import SESSION, SUMS, TOTAL, Condition, Variables
from stats_service.domain.derived import EVERYTHING, Derived
from stats_service.domain.facts import LearnerFacts
from stats_service.domain.protection import StreakProtection
from stats_service.domain.streaks import timeline

# Sessions, seconds, answers and right answers.
Sums = tuple[int, int, int, int]
PRODUCTS = ("focus", "exercises", "yoga")


@dataclass
class Told:
    """Derived progress by the names of things; `awards` has the version and the earning fact's `user_seq`."""

    days: dict[tuple[int, str, date], Sums] = field(default_factory=dict)
    standings: dict[tuple[int, str], Sums] = field(default_factory=dict)
    practised: dict[tuple[int, str], list[date]] = field(default_factory=dict)
    frozen: dict[tuple[int, str], list[date]] = field(default_factory=dict)
    awards: dict[tuple[int, str], tuple[int, int]] = field(default_factory=dict)

    def __or__(self, other: Told) -> Told:
        """Both together."""
        return Told(*(getattr(self, name) | getattr(other, name) for name in self.__dataclass_fields__))


def told(derived: Derived) -> Told:
    """Returns what the columns say."""
    names = {EVERYTHING: ALL_PRODUCTS, **dict(enumerate(derived.products))}
    days, standings, runs, awards = derived.days, derived.standings, derived.runs, derived.awards
    practised: dict[tuple[int, str], list[date]] = defaultdict(list)
    for user, product, first, last in zip(runs.user, runs.product, runs.first, runs.last, strict=True):
        practised[int(user), names[int(product)]] += map(date.fromordinal, range(int(first), int(last) + 1))
    return Told(
        {
            (int(user), names[int(product)], date.fromordinal(int(day))): sums
            for user, product, day, sums in zip(
                days.user, days.product, days.day, _rows(days.sums), strict=True
            )
        },
        {
            (int(user), names[int(product)]): sums
            for user, product, sums in zip(
                standings.user, standings.product, _rows(standings.sums), strict=True
            )
        },
        dict(practised),
        {key: list(days) for key, days in derived.frozen.items()},
        {
            (int(user), awards.badge_ids[int(badge)]): (int(version), int(seq))
            for user, badge, version, seq in zip(
                awards.user, awards.badge, awards.version, awards.seq, strict=True
            )
        },
    )


def _rows(sums: Any) -> list[Sums]:
    columns = (sums.sessions, sums.seconds, sums.answers, sums.correct)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def plain(facts: Iterable[Completion], learner: LearnerFacts, versions: Iterable[BadgeVersion]) -> Told:
    """Returns what one learner's facts add up to."""
    known = list(facts)
    counting = as_counted(sorted((fact for fact in known if fact.counts), key=lambda fact: fact.moment))
    result = Told()
    walks = {product: walk(known, learner, product) for product in (*PRODUCTS, ALL_PRODUCTS)}
    for product in (*PRODUCTS, ALL_PRODUCTS):
        mine = [fact for fact in counting if product in (fact.product, ALL_PRODUCTS)]
        for fact in mine:
            key = (fact.user_id, product)
            result.standings[key] = _plus(result.standings.get(key), fact)
            result.practised[key] = sorted({*result.practised.get(key, ()), fact.local_date})
            if product != ALL_PRODUCTS:
                day = (*key, fact.local_date)
                result.days[day] = _plus(result.days.get(day), fact)
    for user in {fact.user_id for fact in known}:
        for product in _granted(learner):
            result.frozen[user, product] = walks[product].frozen
        positions = {product: walk.positions for product, walk in walks.items()}
        for version in sorted(versions, key=lambda each: each.version):
            earned = earning(counting, version, positions)
            if earned is not None:
                result.awards.setdefault((user, version.badge_id), (version.version, earned.user_seq))
    return result


def as_counted(in_order: Iterable[Completion]) -> list[Completion]:
    """Returns completions that tell, as their time, what of it counts."""
    left: dict[tuple[int, date], int] = {}
    counted = []
    for fact in in_order:
        day = (fact.user_id, fact.local_date)
        passed = int((fact.end_time - fact.start_time).total_seconds())
        believed = min(fact.elapsed_seconds, passed) if fact.implausible else fact.elapsed_seconds
        seconds = min(believed, left.setdefault(day, 24 * 60 * 60))
        left[day] -= seconds
        counted.append(replace(fact, elapsed_seconds=seconds, implausible=False))
    return counted


def _granted(learner: LearnerFacts) -> set[str]:
    return set(StreakProtection.of((), learner.entries).grants)


def _plus(sums: Sums | None, fact: Completion) -> Sums:
    sessions, seconds, answers, correct = sums or (0, 0, 0, 0)
    return (
        sessions + 1,
        seconds + fact.elapsed_seconds,
        answers + fact.answer_count,
        correct + fact.correct_answer_count,
    )


@dataclass(frozen=True)
class Walk:
    """How long a streak is on each of its practised days, and the days that a freeze was used on."""

    positions: Mapping[date, int]
    frozen: list[date]


def walk(facts: Iterable[Completion], learner: LearnerFacts, product: str) -> Walk:
    """Goes from the first practised day to the last, day by day."""
    known = list(facts)
    protection = StreakProtection.of(timeline(known, learner.changes), learner.entries, learner.sign_up_time)
    first_day = protection.first_day or date.min
    mine = [fact for fact in known if fact.counts and product in (fact.product, ALL_PRODUCTS)]
    days = {fact.local_date for fact in mine if fact.synced or fact.local_date >= first_day}
    positions: dict[date, int] = {}
    frozen: list[date] = []
    grants = list(protection.grants.get(product, ()))
    held = length = 0
    for number in range((max(days) - min(days)).days + 1 if days else 0):
        day = min(days) + timedelta(days=number)
        while grants and grants[0].day <= day:
            held += held < grants.pop(0).held_at_most
        if day in days:
            length += 1
            positions[day] = length
        elif protection.keep(product, day) is None:
            if length and held:
                held -= 1
                frozen.append(day)
            else:
                length = 0
    return Walk(positions, frozen)


def earning(
    counting: Sequence[Completion], version: BadgeVersion, positions: Mapping[str, Mapping[date, int]]
) -> Completion | None:
    """Returns the first of some completions, in order, at which a version's condition holds."""
    first, last = version.first_day or date.min, version.last_day or date.max
    inside = [fact for fact in counting if first <= fact.local_date <= last]
    for number, fact in enumerate(inside, start=1):
        if version.until is not None and fact.end_time >= version.until:
            return None
        if version.condition.holds(variables(version.condition, inside[:number], positions)):
            return fact
    return None


def variables(
    condition: Condition, prefix: Sequence[Completion], positions: Mapping[str, Mapping[date, int]]
) -> Variables:
    """Returns what a condition's variables are at the last of some completions."""
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for scope, name in condition.variables:
        if scope == SESSION:
            found[scope][name] = _of_session(prefix[-1], name)
        else:
            assert name in SUMS
            found[scope][name] = _sum(scope, name, prefix, positions)
    return found


def _of_session(fact: Completion, name: str) -> int | str:
    known: Mapping[str, int | str] = {
        "product": fact.product,
        "outcome": fact.outcome,
        "mode": fact.mode,
        "content": fact.content,
        "seconds": fact.elapsed_seconds,
        "minutes": fact.elapsed_seconds // 60,
        "answers": fact.answer_count,
        "correct_answers": fact.correct_answer_count,
        "accuracy": 100 * fact.correct_answer_count // fact.answer_count if fact.answer_count else 0,
        "hour": fact.local_minute // 60,
        "weekday": fact.local_date.weekday(),
    }
    return known[name]


def _sum(
    scope: str, name: str, prefix: Sequence[Completion], positions: Mapping[str, Mapping[date, int]]
) -> int:
    mine = [fact for fact in prefix if scope in (fact.product, TOTAL)]
    walked = positions.get(ALL_PRODUCTS if scope == TOTAL else scope, {})
    seconds = sum(fact.elapsed_seconds for fact in mine)
    known = {
        "sessions": len(mine),
        "seconds": seconds,
        "minutes": seconds // 60,
        "days": len({fact.local_date for fact in mine}),
        "answers": sum(fact.answer_count for fact in mine),
        "correct_answers": sum(fact.correct_answer_count for fact in mine),
        "best_streak": max((walked.get(fact.local_date, 0) for fact in mine), default=0),
    }
    return known[name]
