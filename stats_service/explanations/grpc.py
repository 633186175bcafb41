"""Implements `ExplanationService`, for learners, and `ExplanationAdminService`, for operators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import grpc
from practice.stats.v1 import explanation_pb2, progress_pb2
from practice.stats.v1 import explanation_service_pb2 as pb
from practice.stats.v1 import explanation_service_pb2_grpc as rpc

from service_kit.call import current_call
from service_kit.paging import decode_page_token, encode_page_token, invalid_page_token
from stats_service.adapters.grpc.converters import (
    badge_content_to_proto,
    date_from_proto,
    day_to_proto,
    instant_to_proto,
    required_date_from_proto,
    streak_to_proto,
)
from stats_service.adapters.grpc.page_places import read_day
from stats_service.domain.streaks import RULES_VERSION
from stats_service.explanations import paragraphs
from stats_service.explanations.converters import (
    CADENCES,
    CADENCES_SHOWN,
    calendar_to_proto,
    calendars_to_proto,
    days_to_proto,
    instant_from_proto,
    left_out_to_proto,
    run_to_proto,
    session_to_proto,
)
from stats_service.explanations.domain import Verdict
from stats_service.explanations.use_cases import (
    BreakExplained,
    ExplainBadge,
    ExplainBreak,
    ExplainStreak,
    ExplainTotal,
    FindAccount,
    StreakExplained,
    TotalExplained,
)

Context = grpc.aio.ServicerContext[Any, Any]

ADMIN_SERVICE = "practice.stats.v1.ExplanationAdminService"


class ExplanationServicer(rpc.ExplanationServiceServicer):
    """Implements practice.stats.v1.ExplanationService."""

    def __init__(self, explaining: Explaining) -> None:
        self._explaining = explaining

    async def ExplainStreak(
        self, request: pb.ExplainStreakRequest, context: Context
    ) -> pb.ExplainStreakResponse:
        """Explains a streak of the caller's."""
        call = current_call()
        return await self._explaining.streak(call.user_id, request, call.time_zone)

    async def ExplainBreak(
        self, request: pb.ExplainBreakRequest, context: Context
    ) -> pb.ExplainBreakResponse:
        """Says what a day did to the caller's streak."""
        call = current_call()
        return await self._explaining.day(call.user_id, request, call.time_zone)

    async def ExplainBadge(
        self, request: pb.ExplainBadgeRequest, context: Context
    ) -> pb.ExplainBadgeResponse:
        """Explains a badge to the caller."""
        return await self._explaining.badge(current_call().user_id, request)

    async def ExplainTotal(
        self, request: pb.ExplainTotalRequest, context: Context
    ) -> pb.ExplainTotalResponse:
        """Explains a total of the caller's."""
        return await self._explaining.total(current_call().user_id, request)


class ExplanationAdminServicer(rpc.ExplanationAdminServiceServicer):
    """Implements practice.stats.v1.ExplanationAdminService. The operator's own zone means nothing here."""

    def __init__(self, explaining: Explaining, find_account: FindAccount) -> None:
        self._explaining = explaining
        self._find_account = find_account

    async def ExplainUserStreak(
        self, request: pb.ExplainUserStreakRequest, context: Context
    ) -> pb.ExplainStreakResponse:
        """Explains a streak of a user's."""
        await self._find_account(request.user_id)
        return await self._explaining.streak(request.user_id, request.question, None)

    async def ExplainUserBreak(
        self, request: pb.ExplainUserBreakRequest, context: Context
    ) -> pb.ExplainBreakResponse:
        """Says what a day did to a user's streak."""
        await self._find_account(request.user_id)
        return await self._explaining.day(request.user_id, request.question, None)

    async def ExplainUserBadge(
        self, request: pb.ExplainUserBadgeRequest, context: Context
    ) -> pb.ExplainBadgeResponse:
        """Explains a user's badge."""
        await self._find_account(request.user_id)
        return await self._explaining.badge(request.user_id, request.question)

    async def ExplainUserTotal(
        self, request: pb.ExplainUserTotalRequest, context: Context
    ) -> pb.ExplainTotalResponse:
        """Explains a user's total."""
        await self._find_account(request.user_id)
        return await self._explaining.total(request.user_id, request.question)


_DEFAULT_DAYS = 31
_VERDICTS: Mapping[Verdict, pb.ExplainBreakResponse.Verdict.ValueType] = {
    "broke": pb.ExplainBreakResponse.VERDICT_BROKE,
    "practised": pb.ExplainBreakResponse.VERDICT_PRACTISED,
    "kept": pb.ExplainBreakResponse.VERDICT_KEPT,
    "no_streak": pb.ExplainBreakResponse.VERDICT_NO_STREAK,
    "not_over": pb.ExplainBreakResponse.VERDICT_NOT_OVER,
    "before_sign_up": pb.ExplainBreakResponse.VERDICT_BEFORE_SIGN_UP,
}


@dataclass(frozen=True, slots=True)
class UseCases:
    """What can be explained."""

    streak: ExplainStreak
    day: ExplainBreak
    badge: ExplainBadge
    total: ExplainTotal


class Explaining:
    """The four questions. `for_operators` shows who the operators were, too."""

    def __init__(self, use_cases: UseCases, *, for_operators: bool) -> None:
        self._use = use_cases
        self._for_operators = for_operators

    async def streak(
        self, user_id: int, request: pb.ExplainStreakRequest, time_zone: str | None
    ) -> pb.ExplainStreakResponse:
        """Explains a streak."""
        chosen = [user_id, request.product, request.cadence, request.on_date, _asked_at(request)]
        explained = await self._use.streak(
            user_id,
            request.product,
            CADENCES[request.cadence],
            on=date_from_proto(request.on_date, "on_date"),
            at=instant_from_proto(request.as_of_time, given=request.HasField("as_of_time")),
            first=_day_in("ExplainStreak", chosen, request.page_token),
            most=request.page_size or _DEFAULT_DAYS,
            time_zone=time_zone,
        )
        return self._streak_to_proto(explained, _token("ExplainStreak", chosen, explained.more))

    async def day(
        self, user_id: int, request: pb.ExplainBreakRequest, time_zone: str | None
    ) -> pb.ExplainBreakResponse:
        """Says what a day did to the day streak."""
        explained = await self._use.day(
            user_id,
            request.product,
            required_date_from_proto(request.date, "date"),
            at=instant_from_proto(request.as_of_time, given=request.HasField("as_of_time")),
            time_zone=time_zone,
        )
        return self._break_to_proto(explained)

    async def badge(self, user_id: int, request: pb.ExplainBadgeRequest) -> pb.ExplainBadgeResponse:
        """Explains a badge."""
        explained = await self._use.badge(user_id, request.badge_id)
        record, session = explained.record, explained.session
        earned = record.user_seq is not None
        return pb.ExplainBadgeResponse(
            paragraph=paragraphs.of_badge(record.content, session, explained.values, earned=earned),
            rules_version=RULES_VERSION,
            catalogue_revision=record.catalogue_revision,
            badge=badge_content_to_proto(record.content, record.version),
            earned=earned,
            session=session_to_proto(session) if session else None,
            values=[
                explanation_pb2.VariableValue(name=name, value=str(value))
                for name, value in explained.values.items()
            ],
        )

    async def total(self, user_id: int, request: pb.ExplainTotalRequest) -> pb.ExplainTotalResponse:
        """Explains a total."""
        chosen = [user_id, request.product, _asked_at(request)]
        explained = await self._use.total(
            user_id,
            request.product,
            at=instant_from_proto(request.as_of_time, given=request.HasField("as_of_time")),
            after=_day_in("ExplainTotal", chosen, request.page_token),
            most=request.page_size or _DEFAULT_DAYS,
        )
        return _total_to_proto(explained, _token("ExplainTotal", chosen, explained.more))

    def _streak_to_proto(self, explained: StreakExplained, more: str) -> pb.ExplainStreakResponse:
        told = explained.explanation
        span = told.span or (told.on, told.on)
        return pb.ExplainStreakResponse(
            paragraph=paragraphs.of_streak(told),
            rules_version=RULES_VERSION,
            product=told.practice.product,
            cadence=CADENCES_SHOWN[told.cadence],
            on_date=told.on.isoformat(),
            as_of_time=instant_to_proto(explained.instant),
            streak=streak_to_proto(told.streak),
            run=run_to_proto(told.run),
            best_run=run_to_proto(told.best),
            freezes_held=told.held,
            calendars=calendars_to_proto(told.practice.calendars_between(*span)),
            days=days_to_proto(explained.days, explained.sessions, for_operators=self._for_operators),
            next_page_token=more,
        )

    def _break_to_proto(self, explained: BreakExplained) -> pb.ExplainBreakResponse:
        told = explained.explanation
        in_force = told.practice.calendars_between(told.day, told.day)
        on_day = explained.sessions.get(told.day)
        uncounted = [each.outcome for each in on_day.sessions if not each.counts] if on_day else []
        return pb.ExplainBreakResponse(
            paragraph=paragraphs.of_break(told, uncounted),
            rules_version=RULES_VERSION,
            product=told.practice.product,
            date=told.day.isoformat(),
            as_of_time=instant_to_proto(explained.instant),
            verdict=_VERDICTS[told.verdict],
            run=run_to_proto(told.run),
            calendar=calendar_to_proto(in_force[0][1], in_force[0][0]) if in_force else None,
            days=days_to_proto(told.around, explained.sessions, for_operators=self._for_operators),
        )


def _total_to_proto(explained: TotalExplained, more: str) -> pb.ExplainTotalResponse:
    total, product = explained.total, explained.product
    span = (total.first, total.last) if total.first and total.last else None
    return pb.ExplainTotalResponse(
        paragraph=paragraphs.of_total(
            product, total.tally, total.day_count, span, total.left_out, cut=total.cut
        ),
        rules_version=RULES_VERSION,
        as_of_time=instant_to_proto(explained.instant),
        totals=progress_pb2.Totals(
            product=product,
            session_count=total.tally.session_count,
            elapsed_seconds=total.tally.elapsed_seconds,
            answer_count=total.tally.answer_count,
            correct_answer_count=total.tally.correct_answer_count,
            day_count=total.day_count,
        ),
        left_out_count=sum(total.left_out.values()),
        days=[day_to_proto(day, product, tally) for day, tally in explained.days],
        left_out=map(left_out_to_proto, explained.left_out),
        next_page_token=more,
    )


def _asked_at(request: pb.ExplainStreakRequest | pb.ExplainTotalRequest) -> str:
    """Returns the state of knowledge as a part of what a page token belongs to."""
    at = instant_from_proto(request.as_of_time, given=request.HasField("as_of_time"))
    return at.isoformat() if at else ""


def _token(method: str, chosen: list[Any], more: date | None) -> str:
    return encode_page_token(method, chosen, more.isoformat()) if more else ""


def _day_in(method: str, chosen: list[Any], token: str) -> date | None:
    position = decode_page_token(method, chosen, token)
    if not token:
        return None
    if not isinstance(position, str):
        raise invalid_page_token()
    return read_day(position)
