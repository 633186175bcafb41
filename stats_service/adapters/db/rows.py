"""Between rows and the domain."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from operator import attrgetter
from typing import Any

from sqlalchemy import Row

from stats_service.adapters.db.derived import Array, array_of
from stats_service.adapters.db.tables import completion
from stats_service.application.ports.badges import CompileCondition, PublishedVersion
from stats_service.application.ports.learners import Rejection
from stats_service.application.ports.reading import Award, AwardedBadge
from stats_service.domain.badges import BadgeContent, BadgeVersion
from stats_service.domain.calendar import CalendarChange
from stats_service.domain.completion import Completion
from stats_service.domain.facts import LearnerFacts
from stats_service.domain.protection import (
    Entry,
    FreezeGranted,
    PauseCancelled,
    PlannedPause,
    Repaired,
    RestDays,
)
from stats_service.domain.standing import Standing, Tally

Values = dict[str, Any]

_COMPLETION = [field.name for field in fields(Completion)]
_values_of = attrgetter(*_COMPLETION)
_CONTENT = [field.name for field in fields(BadgeContent)]


def completion_from_row(row: Row[Any]) -> Completion:
    """Returns a fact from its columns, in the order of Completion's fields or any other."""
    return Completion(**row._mapping)


def completions_to_rows(facts: Iterable[Completion]) -> list[Values]:
    """Returns rows of facts."""
    return [asdict(fact) for fact in facts]


def completions_to_columns(facts: Sequence[Completion]) -> dict[str, Array]:
    """Returns facts as an array for each column."""
    columns = zip(*map(_values_of, facts), strict=True)
    return {
        name: array_of(completion.c[name], values) for name, values in zip(_COMPLETION, columns, strict=True)
    }


def calendar_change_from_row(row: Row[Any]) -> CalendarChange:
    """Returns a change of calendar from its columns."""
    return CalendarChange(**row._asdict())


def calendar_changes_to_rows(changes: Iterable[CalendarChange]) -> list[Values]:
    """Returns rows of changes of calendar."""
    return [asdict(change) for change in changes]


def tally_from_row(row: Row[Any]) -> Tally:
    """Returns the sums of a row of daily progress or of a standing."""
    return Tally(row.session_count, row.elapsed_seconds, row.answer_count, row.correct_answer_count)


def standing_from_row(row: Row[Any]) -> Standing:
    """Returns one standing."""
    return Standing(tally_from_row(row), row.days)


def learner_facts_from_rows(
    changes: Iterable[Row[Any]], entries: Iterable[Row[Any]]
) -> Mapping[int, LearnerFacts]:
    """Returns learners' facts other than completions, from rows in order."""
    told: dict[int, list[CalendarChange]] = defaultdict(list)
    for row in changes:
        told[row.user_id].append(calendar_change_from_row(row))
    recorded: dict[int, list[Entry]] = defaultdict(list)
    for row in entries:
        recorded[row.user_id].append(entry_from_row(row))
    return {user: LearnerFacts(told[user], recorded[user]) for user in told.keys() | recorded.keys()}


def entry_from_row(row: Row[Any]) -> Entry:
    """Returns one thing that keeps streaks."""
    known = {"entry_id": row.entry_id, "recorded_at": row.recorded_at}
    match row.kind:
        case "rest_days":
            return RestDays(**known, effective_date=row.first_day, weekdays=frozenset(row.weekdays))
        case "planned_pause":
            return PlannedPause(**known, first=row.first_day, last=row.last_day)
        case "pause_cancelled":
            return PauseCancelled(**known, pause_id=row.pause_id, from_date=row.first_day)
        case "freeze_granted":
            told = {"product": row.product, "day": row.first_day, "actor": row.actor, "reason": row.reason}
            return FreezeGranted(**known, **told, source=row.source, held_at_most=row.held_at_most)
        case "repaired":
            told = {"product": row.product, "day": row.first_day, "actor": row.actor, "reason": row.reason}
            return Repaired(**known, **told)
    raise ValueError(f"no such kind of entry: {row.kind}")


def entry_to_row(user_id: int, entry: Entry) -> Values:
    """Returns the row of an entry; the database says when it was recorded."""
    row: Values = {"entry_id": entry.entry_id, "user_id": user_id, "held_at_most": None}
    match entry:
        case RestDays():
            return row | {
                "kind": "rest_days",
                "first_day": entry.effective_date,
                "weekdays": sorted(entry.weekdays),
            }
        case PlannedPause():
            return row | {"kind": "planned_pause", "first_day": entry.first, "last_day": entry.last}
        case PauseCancelled():
            return row | {"kind": "pause_cancelled", "pause_id": entry.pause_id, "first_day": entry.from_date}
        case FreezeGranted():
            return row | {
                "kind": "freeze_granted",
                "product": entry.product,
                "first_day": entry.day,
                "source": entry.source,
                "actor": entry.actor,
                "reason": entry.reason,
                "held_at_most": entry.held_at_most,
            }
        case Repaired():
            return row | {
                "kind": "repaired",
                "product": entry.product,
                "first_day": entry.day,
                "actor": entry.actor,
                "reason": entry.reason,
            }


def versions_from_rows(
    rows: Sequence[Row[Any]], compile_condition: CompileCondition
) -> Iterable[BadgeVersion]:
    """Yields what those versions of badges demand that can be or could be earned."""
    for row in rows:
        if row.state == "active":
            yield BadgeVersion(
                badge_id=row.badge_id,
                version=row.version,
                condition=compile_condition(row.condition),
                first_day=row.first_day,
                last_day=row.last_day,
                until=row.replaced_at,
            )


def award_from_row(row: Row[Any]) -> Award:
    """Returns one award."""
    return Award(row.badge_id, row.version, row.session_id, row.award_time)


def badge_content_from_row(row: Row[Any]) -> BadgeContent:
    """Returns what an editor said about a badge."""
    return BadgeContent(**{name: getattr(row, name) for name in _CONTENT})


def published_version_from_row(row: Row[Any]) -> PublishedVersion:
    """Returns a version of a badge as it was published."""
    return PublishedVersion(row.version, badge_content_from_row(row), row.replaced_at)


def awarded_badge_from_row(row: Row[Any]) -> AwardedBadge:
    """Returns an award with what is shown of its badge."""
    return AwardedBadge(award_from_row(row), badge_content_from_row(row))


def rejections_to_rows(rejections: Iterable[Rejection]) -> list[Values]:
    """Returns rows of refused events."""
    return [
        {
            "event_id": rejection.event_id,
            "payload_digest": hashlib.sha256(rejection.payload).digest(),
            "payload": rejection.payload,
            "user_id": rejection.user_id,
            "reason": rejection.reason,
        }
        for rejection in rejections
    ]
