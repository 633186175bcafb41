"""Asks the stats service why streaks, badges and totals are what they are, and repairs streaks."""

from __future__ import annotations

import grpc
from practice.stats.v1 import explanation_pb2, streak_pb2
from practice.stats.v1 import explanation_service_pb2 as pb
from practice.stats.v1 import streak_service_pb2 as streak_pb
from practice.stats.v1.explanation_service_pb2_grpc import ExplanationAdminServiceStub
from practice.stats.v1.streak_service_pb2_grpc import StreakAdminServiceStub

from deploy.commands.admin_client import AdminClient

_LARGEST_PAGE_OF_DAYS = 366
_LARGEST_PAGE_OF_ENTRIES = 200


class StreakAdminClient(AdminClient):
    """The stats service's admin services about streaks."""

    service = "stats"
    deadline = 15.0

    def __init__(self, channel: grpc.Channel, internal_token: str) -> None:
        super().__init__(channel, internal_token)
        self._streaks = StreakAdminServiceStub(channel)
        self._explanations = ExplanationAdminServiceStub(channel)

    def streak(
        self, user_id: int, question: pb.ExplainStreakRequest, most_days: int
    ) -> tuple[pb.ExplainStreakResponse, list[explanation_pb2.ExplainedDay]]:
        """Explains a user's streak, with at most so many of its days from its first on."""
        request = pb.ExplainUserStreakRequest(user_id=user_id, question=question)
        days: list[explanation_pb2.ExplainedDay] = []
        request.question.page_size = min(_LARGEST_PAGE_OF_DAYS, most_days)
        for page in self._pages(self._explanations.ExplainUserStreak, request, request.question):
            days += page.days
            if len(days) >= most_days:
                break
            request.question.page_size = min(_LARGEST_PAGE_OF_DAYS, most_days - len(days))
        return page, days

    def day(self, user_id: int, question: pb.ExplainBreakRequest) -> pb.ExplainBreakResponse:
        """Says what a day did to a user's streak."""
        request = pb.ExplainUserBreakRequest(user_id=user_id, question=question)
        return self._call(self._explanations.ExplainUserBreak, request)

    def badge(self, user_id: int, badge_id: str) -> pb.ExplainBadgeResponse:
        """Explains a user's badge."""
        question = pb.ExplainBadgeRequest(badge_id=badge_id)
        request = pb.ExplainUserBadgeRequest(user_id=user_id, question=question)
        return self._call(self._explanations.ExplainUserBadge, request)

    def total(self, user_id: int, question: pb.ExplainTotalRequest) -> pb.ExplainTotalResponse:
        """Explains a user's total by its first days."""
        request = pb.ExplainUserTotalRequest(user_id=user_id, question=question)
        return self._call(self._explanations.ExplainUserTotal, request)

    def repair(self, request: streak_pb.RepairStreakRequest) -> streak_pb2.StreakEntry:
        """Repairs a streak."""
        return self._call(self._streaks.RepairStreak, request)

    def grant_freeze(self, request: streak_pb.GrantFreezeRequest) -> streak_pb2.StreakEntry:
        """Grants a freeze."""
        return self._call(self._streaks.GrantFreeze, request)

    def entries(self, user_id: int, limit: int) -> list[streak_pb2.StreakEntry]:
        """Returns at most `limit` records of what keeps a user's streaks, the newest first."""
        request = streak_pb.ListStreakEntriesRequest(user_id=user_id)
        method = self._streaks.ListStreakEntries
        return self._list(method, request, lambda page: page.entries, limit, _LARGEST_PAGE_OF_ENTRIES)
