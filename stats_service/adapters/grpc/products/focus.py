"""What completed focus sessions add up to, in the focus product's envelope."""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf.struct_pb2 import NullValue, Value
from practice.products.focus.v1 import focus_service_pb2 as pb
from practice.products.focus.v1.focus_service_pb2_grpc import FocusProgressServiceServicer

from service_kit.call import current_call
from service_kit.errors import ServiceError
from service_kit.grpc.presentation import ProductError, http_status, message_of
from service_kit.grpc.product_shapes import rfc3339
from stats_service.adapters.grpc.converters import to_date
from stats_service.application.get_standing import GetStanding
from stats_service.application.list_awarded_badges import ListAwardedBadges
from stats_service.application.list_daily_progress import ListDailyProgress
from stats_service.application.ports.reading import AwardedBadge

PRODUCT = "focus"
SERVICE = "practice.products.focus.v1.FocusProgressService"

Context = grpc.aio.ServicerContext[Any, Any]


def present(error: ServiceError) -> ProductError:
    """Returns an error as this product's clients know it."""
    return ProductError(http_status(error), {"success": False, "message": message_of(error), "data": None})


class FocusProgressServicer(FocusProgressServiceServicer):
    """Implements practice.products.focus.v1.FocusProgressService."""

    def __init__(
        self,
        list_daily_progress: ListDailyProgress,
        get_standing: GetStanding,
        list_awarded_badges: ListAwardedBadges,
    ) -> None:
        self._list_daily_progress = list_daily_progress
        self._get_standing = get_standing
        self._list_awarded_badges = list_awarded_badges

    async def ListProgress(
        self, request: pb.ListProgressRequest, context: Context
    ) -> pb.ListProgressResponse:
        """Returns focus time by day, oldest first."""
        call = current_call()
        first, last = to_date(getattr(request, "from"), "from"), to_date(request.to, "to")
        progress = await self._list_daily_progress(
            call.user_id, PRODUCT, first, last, time_zone=call.time_zone
        )
        data = [
            pb.DayProgress(
                date=day.isoformat(),
                focus_seconds=tally.elapsed_seconds,
                sessions_completed=tally.session_count,
            )
            for day, tally in progress.days
        ]
        return pb.ListProgressResponse(success=True, message="focus progress", data=data)

    async def GetStreak(self, request: pb.GetStreakRequest, context: Context) -> pb.GetStreakResponse:
        """Returns the day streak."""
        call = current_call()
        streak = (await self._get_standing(call.user_id, PRODUCT, time_zone=call.time_zone)).streaks.day
        # An absent field would not be shown; the document wants a null.
        never = Value(null_value=NullValue.NULL_VALUE)
        data = pb.StreakSummary(
            current_streak=streak.current,
            longest_streak=streak.best,
            last_session_date=Value(string_value=streak.last.isoformat()) if streak.last else never,
        )
        return pb.GetStreakResponse(success=True, message="focus streak", data=data)

    async def ListBadges(self, request: pb.ListBadgesRequest, context: Context) -> pb.ListBadgesResponse:
        """Lists the badges earned with focus, newest first."""
        badges, _ = await self._list_awarded_badges(current_call().user_id, PRODUCT)
        return pb.ListBadgesResponse(success=True, message="focus badges", data=map(_to_badge, badges))


def _to_badge(awarded: AwardedBadge) -> pb.Badge:
    badge = awarded.badge
    return pb.Badge(
        id=badge.badge_id,
        name=badge.name,
        description=badge.description,
        icon=badge.icon,
        awarded_at=rfc3339(awarded.award.award_time),
    )
