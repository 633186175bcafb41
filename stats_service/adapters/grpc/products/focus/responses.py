"""Progress, streaks and badges in the envelope of the focus product."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.struct_pb2 import NullValue, Value
from practice.products.focus.v1 import focus_service_pb2 as pb

from service_kit.grpc.product_shapes import rfc3339
from stats_service.application.ports.reading import AwardedBadge
from stats_service.application.progress_queries import DailyProgress
from stats_service.domain.streaks import DayStreak


def progress_response(progress: DailyProgress) -> pb.ListProgressResponse:
    """Returns focus time by day."""
    data = [
        pb.DayProgress(
            date=day.isoformat(),
            focus_seconds=tally.elapsed_seconds,
            sessions_completed=tally.session_count,
        )
        for day, tally in progress.days
    ]
    return pb.ListProgressResponse(success=True, message="focus progress", data=data)


def streak_response(streak: DayStreak) -> pb.GetStreakResponse:
    """Returns the day streak."""
    # An absent field would not be shown; the document wants a null.
    never = Value(null_value=NullValue.NULL_VALUE)
    data = pb.StreakSummary(
        current_streak=streak.current,
        longest_streak=streak.best,
        last_session_date=Value(string_value=streak.last.isoformat()) if streak.last else never,
    )
    return pb.GetStreakResponse(success=True, message="focus streak", data=data)


def badges_response(badges: Sequence[AwardedBadge]) -> pb.ListBadgesResponse:
    """Returns badges that were earned."""
    return pb.ListBadgesResponse(success=True, message="focus badges", data=map(_badge, badges))


def _badge(awarded: AwardedBadge) -> pb.Badge:
    badge = awarded.badge
    return pb.Badge(
        id=badge.badge_id,
        name=badge.name,
        description=badge.description,
        icon=badge.icon,
        awarded_at=rfc3339(awarded.award.award_time),
    )
