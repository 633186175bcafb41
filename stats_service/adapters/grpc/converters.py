"""Between the messages of practice.stats.v1 and what the use cases speak."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from practice.stats.v1 import progress_pb2 as pb
from practice.stats.v1 import stats_service_pb2 as service_pb

from service_kit.errors import Fault, FieldsInvalidError
from stats_service.application.ports.reading import AwardedBadge
from stats_service.application.progress_queries import CompletionEffects, DailyProgress, StandingToday
from stats_service.domain.badges import BadgeContent, State
from stats_service.domain.standing import Tally


def date_from_proto(text: str, field: str) -> date | None:
    """Returns a day written `YYYY-MM-DD`, None for an empty text. Raises FieldsInvalidError."""
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError as error:
        raise FieldsInvalidError([Fault(field, "must be a day such as 2026-05-15")]) from error


def daily_progress_to_proto(progress: DailyProgress) -> service_pb.ListDailyProgressResponse:
    """Returns days as the canonical API shows them."""
    days = [day_to_proto(day, progress.product, tally) for day, tally in progress.days]
    return service_pb.ListDailyProgressResponse(days=days, pending=progress.pending)


def day_to_proto(day: date, product: str, tally: Tally) -> pb.DailyProgress:
    """Returns the progress of a day."""
    return pb.DailyProgress(
        date=day.isoformat(),
        product=product,
        session_count=tally.session_count,
        elapsed_seconds=tally.elapsed_seconds,
        answer_count=tally.answer_count,
        correct_answer_count=tally.correct_answer_count,
    )


def standing_to_proto(standing: StandingToday) -> service_pb.GetStandingResponse:
    """Returns a standing as the canonical API shows it."""
    tally, streak = standing.tally, standing.streaks.day
    return service_pb.GetStandingResponse(
        totals=pb.Totals(
            product=standing.product,
            session_count=tally.session_count,
            elapsed_seconds=tally.elapsed_seconds,
            answer_count=tally.answer_count,
            correct_answer_count=tally.correct_answer_count,
            day_count=standing.day_count,
        ),
        streak=pb.Streak(
            product=standing.product,
            current_days=streak.current,
            best_days=streak.best,
            last_date=streak.last.isoformat() if streak.last else "",
            start_date=streak.start.isoformat() if streak.start else "",
            as_of_date=standing.as_of.isoformat(),
        ),
        pending=standing.pending,
        applied_through=standing.applied_through,
    )


def completion_effects_to_proto(effects: CompletionEffects) -> service_pb.GetCompletionEffectsResponse:
    """Returns what a completion led to as the canonical API shows it."""
    standing = standing_to_proto(effects.standing)
    return service_pb.GetCompletionEffectsResponse(
        totals=standing.totals,
        streak=standing.streak,
        badges=map(awarded_badge_to_proto, effects.badges),
        pending=standing.pending,
    )


def awarded_badge_to_proto(awarded: AwardedBadge) -> pb.AwardedBadge:
    """Returns an award as the canonical API shows it."""
    award = awarded.award
    return pb.AwardedBadge(
        badge=badge_content_to_proto(awarded.badge, award.version),
        award_time=instant_to_proto(award.award_time),
        session_id=award.session_id,
    )


def badge_content_to_proto(badge: BadgeContent, version: int) -> pb.BadgeDefinition:
    """Returns a version of a badge as the canonical API shows it."""
    return pb.BadgeDefinition(
        badge_id=badge.badge_id,
        version=version,
        name=badge.name,
        description=badge.description,
        icon=badge.icon,
        product=badge.product,
        condition=badge.condition,
        first_date=badge.first_day.isoformat() if badge.first_day else "",
        last_date=badge.last_day.isoformat() if badge.last_day else "",
        hidden=badge.hidden,
        state=_STATES[badge.state],
    )


def instant_to_proto(instant: datetime) -> Timestamp:
    """Returns an aware instant as a message."""
    timestamp = Timestamp()
    timestamp.FromDatetime(instant)
    return timestamp


def badge_content_from_proto(
    definition: pb.BadgeDefinition, place: str = "badge_definitions"
) -> BadgeContent:
    """Returns a definition as an editor gave it; its version is the service's to say.

    Raises InvalidArgumentError for a day that is none; `place` is in its metadata.
    """
    return BadgeContent(
        badge_id=definition.badge_id,
        name=definition.name,
        description=definition.description,
        icon=definition.icon,
        product=definition.product,
        condition=definition.condition,
        first_day=date_from_proto(definition.first_date, f"{place}.first_date"),
        last_day=date_from_proto(definition.last_date, f"{place}.last_date"),
        hidden=definition.hidden,
        state=_STATES_READ.get(definition.state, "active"),
    )


_STATES: Mapping[State, pb.BadgeState.ValueType] = {
    "inactive": pb.BADGE_STATE_INACTIVE,
    "active": pb.BADGE_STATE_ACTIVE,
    "locked": pb.BADGE_STATE_LOCKED,
}
_STATES_READ = {code: state for state, code in _STATES.items()}
