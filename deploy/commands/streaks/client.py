"""Asks the stats service why streaks, badges and totals are what they are, and repairs streaks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from practice.stats.v1 import explanation_pb2, streak_pb2
from practice.stats.v1 import explanation_service_pb2 as pb
from practice.stats.v1 import streak_service_pb2 as streak_pb
from practice.stats.v1.explanation_service_pb2_grpc import ExplanationAdminServiceStub
from practice.stats.v1.streak_service_pb2_grpc import StreakAdminServiceStub

from deploy.commands.admin_calls import INTERNAL_HEADER, open_admin_channel

# Seconds for one call.
DEADLINE = 15.0


class StreakOffice:
    """The stats service's admin services about streaks. Methods raise CallFailedError."""

    def __init__(self, channel: grpc.Channel, internal_token: str) -> None:
        self._streaks = StreakAdminServiceStub(channel)
        self._explanations = ExplanationAdminServiceStub(channel)
        self._metadata = ((INTERNAL_HEADER, internal_token),)

    def streak(
        self, user_id: int, question: pb.ExplainStreakRequest, most_days: int
    ) -> tuple[pb.ExplainStreakResponse, list[explanation_pb2.ExplainedDay]]:
        """Explains a user's streak, with at most so many of its days from its first on."""
        request = pb.ExplainUserStreakRequest(user_id=user_id, question=question)
        days: list[explanation_pb2.ExplainedDay] = []
        while True:
            request.question.page_size = min(366, most_days - len(days))
            told = self._explanations.ExplainUserStreak(request, timeout=DEADLINE, metadata=self._metadata)
            days += told.days
            if not told.next_page_token or len(days) >= most_days:
                return told, days
            request.question.page_token = told.next_page_token

    def day(self, user_id: int, question: pb.ExplainBreakRequest) -> pb.ExplainBreakResponse:
        """Says what a day did to a user's streak."""
        request = pb.ExplainUserBreakRequest(user_id=user_id, question=question)
        return self._explanations.ExplainUserBreak(request, timeout=DEADLINE, metadata=self._metadata)

    def badge(self, user_id: int, badge_id: str) -> pb.ExplainBadgeResponse:
        """Explains a user's badge."""
        question = pb.ExplainBadgeRequest(badge_id=badge_id)
        request = pb.ExplainUserBadgeRequest(user_id=user_id, question=question)
        return self._explanations.ExplainUserBadge(request, timeout=DEADLINE, metadata=self._metadata)

    def total(self, user_id: int, question: pb.ExplainTotalRequest) -> pb.ExplainTotalResponse:
        """Explains a user's total by its first days."""
        request = pb.ExplainUserTotalRequest(user_id=user_id, question=question)
        return self._explanations.ExplainUserTotal(request, timeout=DEADLINE, metadata=self._metadata)

    def repair(self, request: streak_pb.RepairStreakRequest) -> streak_pb2.StreakEntry:
        """Repairs a streak."""
        return self._streaks.RepairStreak(request, timeout=DEADLINE, metadata=self._metadata)

    def grant_freeze(self, request: streak_pb.GrantFreezeRequest) -> streak_pb2.StreakEntry:
        """Grants a freeze."""
        return self._streaks.GrantFreeze(request, timeout=DEADLINE, metadata=self._metadata)

    def entries(self, user_id: int, limit: int) -> list[streak_pb2.StreakEntry]:
        """Returns at most `limit` records of what keeps a user's streaks, the newest first."""
        found: list[streak_pb2.StreakEntry] = []
        request = streak_pb.ListStreakEntriesRequest(user_id=user_id)
        while True:
            request.page_size = min(200, limit - len(found))
            page = self._streaks.ListStreakEntries(request, timeout=DEADLINE, metadata=self._metadata)
            found += page.entries
            if not page.next_page_token or len(found) >= limit:
                return found
            request.page_token = page.next_page_token


@contextmanager
def open_office(stats_address: str, internal_token: str) -> Iterator[StreakOffice]:
    """Opens the office of the service at `host:port`. Raises CallFailedError for every failed call."""
    with open_admin_channel("stats", stats_address) as channel:
        yield StreakOffice(channel, internal_token)
