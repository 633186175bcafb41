"""Between rows and the domain."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Row, Table

from stats_service.adapters.db import tables
from stats_service.application.ports import AwardedBadge, Rejection
from stats_service.domain.badges import Award, BadgeContent, BadgeVersion
from stats_service.domain.calendar import CalendarChange
from stats_service.domain.completion import Completion
from stats_service.domain.progress import DayKey
from stats_service.domain.standing import Standing, Tally
from stats_service.domain.streaks import DaySet

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of derived row of a person: its table, and how an entry of Progress is written in it."""

    table: Table
    key: Callable[[Any], Values]
    values: Callable[[Any], Values]


def _standing_values(standing: Standing) -> Values:
    return {**asdict(standing.tally), "runs": standing.days.runs}


DAYS = Kind(tables.daily_progress, lambda key: {"product": key[0], "local_date": key[1]}, asdict)
STANDINGS = Kind(tables.standing, lambda product: {"product": product}, _standing_values)
AWARDS = Kind(tables.awarded_badge, lambda badge_id: {"badge_id": badge_id}, asdict)


def to_completion(row: Row[Any]) -> Completion:
    """Returns a fact from its columns, in the order of Completion's fields or any other."""
    return Completion(**row._mapping)


def from_completions(facts: Iterable[Completion]) -> list[Values]:
    """Returns rows of facts."""
    return [asdict(fact) for fact in facts]


def to_calendar_change(row: Row[Any]) -> CalendarChange:
    """Returns a change of calendar from its columns."""
    return CalendarChange(**row._mapping)


def from_calendar_changes(changes: Iterable[CalendarChange]) -> list[Values]:
    """Returns rows of changes of calendar."""
    return [asdict(change) for change in changes]


def to_tally(row: Row[Any]) -> Tally:
    """Returns the sums of a row of daily progress or of a standing."""
    return Tally(row.session_count, row.elapsed_seconds, row.answer_count, row.correct_answer_count)


def to_days(rows: Sequence[Row[Any]]) -> dict[DayKey, Tally]:
    """Returns daily progress by product and day."""
    return {(row.product, row.local_date): to_tally(row) for row in rows}


def to_standing(row: Row[Any]) -> Standing:
    """Returns one standing."""
    return Standing(to_tally(row), DaySet.of_runs(row.runs))


def to_awards(rows: Sequence[Row[Any]]) -> dict[str, Award]:
    """Returns awards by badge."""
    return {row.badge_id: to_award(row) for row in rows}


def to_award(row: Row[Any]) -> Award:
    """Returns one award."""
    return Award(row.badge_id, row.version, row.event_id, row.session_id, row.award_time)


def to_version(row: Row[Any]) -> BadgeVersion:
    """Returns what one version of a badge demands."""
    return BadgeVersion(
        badge_id=row.badge_id,
        version=row.version,
        product=row.product,
        metric=row.metric,
        threshold=row.threshold,
        until=row.replaced_at,
    )


def to_badge_content(row: Row[Any]) -> BadgeContent:
    """Returns what an editor said about a badge."""
    return BadgeContent(
        badge_id=row.badge_id,
        name=row.name,
        description=row.description,
        icon=row.icon,
        product=row.product,
        metric=row.metric,
        threshold=row.threshold,
    )


def to_awarded_badge(row: Row[Any]) -> AwardedBadge:
    """Returns an award with what is shown of its badge."""
    return AwardedBadge(to_award(row), to_badge_content(row))


def from_rejections(rejections: Iterable[Rejection]) -> list[Values]:
    """Returns rows of refused events."""
    return [
        {
            "event_id": rejection.event_id,
            "payload_digest": hashlib.sha256(rejection.payload).digest(),
            "payload": rejection.payload,
            "reason": rejection.reason,
        }
        for rejection in rejections
    ]


def differences(
    kind: Kind, user_id: int, before: Mapping[Any, Any], after: Mapping[Any, Any]
) -> tuple[list[Values], list[Values]]:
    """Returns the rows to write and the keys of rows to delete, in an order of their own."""
    changed = sorted(key for key, value in after.items() if before.get(key) != value)
    gone = sorted(before.keys() - after.keys())
    return (
        [{"user_id": user_id, **kind.key(key), **kind.values(after[key])} for key in changed],
        [{"user_id": user_id, **kind.key(key)} for key in gone],
    )
