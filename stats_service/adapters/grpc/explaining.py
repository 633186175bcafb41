"""Answers questions about one person's progress, whoever asks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from practice.stats.v1 import explanation_pb2, progress_pb2
from practice.stats.v1 import explanation_service_pb2 as pb

from service_kit.paging import decode_page_token, encode_page_token, invalid_page_token
from stats_service.adapters.grpc.converters import from_badge_content, from_day, to_date, to_timestamp
from stats_service.adapters.grpc.explanation_converters import (
    CADENCES,
    CADENCES_SHOWN,
    from_calendar,
    from_calendars,
    from_days,
    from_left_out,
    from_run,
    from_session,
    to_instant,
)
from stats_service.adapters.grpc.page_places import read_day
from stats_service.adapters.grpc.streak_converters import demanded_date, from_streak
from stats_service.application.explain_badge import ExplainBadge
from stats_service.application.explain_break import BreakExplained, ExplainBreak
from stats_service.application.explain_streak import ExplainStreak, StreakExplained
from stats_service.application.explain_total import ExplainTotal, TotalExplained
from stats_service.domain import paragraphs
from stats_service.domain.explanation import Verdict
from stats_service.domain.streaks import RULES_VERSION

_DEFAULT_DAYS = 31
_VERDICTS: Mapping[Verdict, pb.ExplainBreakResponse.Verdict.ValueType] = {
    "broke": pb.ExplainBreakResponse.VERDICT_BROKE,
    "practised": pb.ExplainBreakResponse.VERDICT_PRACTISED,
    "kept": pb.ExplainBreakResponse.VERDICT_KEPT,
    "no_streak": pb.ExplainBreakResponse.VERDICT_NO_STREAK,
    "not_over": pb.ExplainBreakResponse.VERDICT_NOT_OVER,
    "before_sign_up": pb.ExplainBreakResponse.VERDICT_BEFORE_SIGN_UP,
}


class Explaining:
    """The four questions. `for_operators` shows who the operators were, too."""

    def __init__(
        self,
        *,
        streak: ExplainStreak,
        day: ExplainBreak,
        badge: ExplainBadge,
        total: ExplainTotal,
        for_operators: bool,
    ) -> None:
        self._streak = streak
        self._break = day
        self._badge = badge
        self._total = total
        self._for_operators = for_operators

    async def streak(
        self, user_id: int, request: pb.ExplainStreakRequest, time_zone: str | None
    ) -> pb.ExplainStreakResponse:
        """Explains a streak."""
        chosen = [user_id, request.product, request.cadence, request.on_date, _asked_at(request)]
        explained = await self._streak(
            user_id,
            request.product,
            CADENCES[request.cadence],
            on=to_date(request.on_date, "on_date"),
            at=to_instant(request.as_known_time, given=request.HasField("as_known_time")),
            first=_day_in("ExplainStreak", chosen, request.page_token),
            most=request.page_size or _DEFAULT_DAYS,
            time_zone=time_zone,
        )
        return self._from_streak(explained, _token("ExplainStreak", chosen, explained.more))

    async def day(
        self, user_id: int, request: pb.ExplainBreakRequest, time_zone: str | None
    ) -> pb.ExplainBreakResponse:
        """Says what a day did to the day streak."""
        explained = await self._break(
            user_id,
            request.product,
            demanded_date(request.date, "date"),
            at=to_instant(request.as_known_time, given=request.HasField("as_known_time")),
            time_zone=time_zone,
        )
        return self._from_break(explained)

    async def badge(self, user_id: int, request: pb.ExplainBadgeRequest) -> pb.ExplainBadgeResponse:
        """Explains a badge."""
        explained = await self._badge(user_id, request.badge_id)
        record, session = explained.record, explained.session
        earned = record.user_seq is not None
        return pb.ExplainBadgeResponse(
            paragraph=paragraphs.of_badge(record.content, session, explained.values, earned=earned),
            rules_version=RULES_VERSION,
            book_revision=record.book_revision,
            badge=from_badge_content(record.content, record.version),
            earned=earned,
            session=from_session(session) if session else None,
            values=[
                explanation_pb2.VariableValue(name=name, value=str(value))
                for name, value in explained.values.items()
            ],
        )

    async def total(self, user_id: int, request: pb.ExplainTotalRequest) -> pb.ExplainTotalResponse:
        """Explains a total."""
        chosen = [user_id, request.product, _asked_at(request)]
        explained = await self._total(
            user_id,
            request.product,
            at=to_instant(request.as_known_time, given=request.HasField("as_known_time")),
            after=_day_in("ExplainTotal", chosen, request.page_token),
            most=request.page_size or _DEFAULT_DAYS,
        )
        return _from_total(explained, _token("ExplainTotal", chosen, explained.more))

    def _from_streak(self, explained: StreakExplained, more: str) -> pb.ExplainStreakResponse:
        told = explained.told
        span = told.span or (told.on, told.on)
        return pb.ExplainStreakResponse(
            paragraph=paragraphs.of_streak(told),
            rules_version=RULES_VERSION,
            product=told.known.product,
            cadence=CADENCES_SHOWN[told.cadence],
            on_date=told.on.isoformat(),
            as_known_time=to_timestamp(explained.instant),
            streak=from_streak(told.streak),
            run=from_run(told.run),
            best_run=from_run(told.best),
            freezes_held=told.held,
            calendars=from_calendars(told.known.calendars_between(*span)),
            days=from_days(explained.days, explained.sessions, for_operators=self._for_operators),
            next_page_token=more,
        )

    def _from_break(self, explained: BreakExplained) -> pb.ExplainBreakResponse:
        told = explained.told
        in_force = told.known.calendars_between(told.day, told.day)
        on_day = explained.sessions.get(told.day)
        uncounted = [each.outcome for each in on_day.sessions if not each.counts] if on_day else []
        return pb.ExplainBreakResponse(
            paragraph=paragraphs.of_break(told, uncounted),
            rules_version=RULES_VERSION,
            product=told.known.product,
            date=told.day.isoformat(),
            as_known_time=to_timestamp(explained.instant),
            verdict=_VERDICTS[told.verdict],
            run=from_run(told.run),
            calendar=from_calendar(in_force[0][1], in_force[0][0]) if in_force else None,
            days=from_days(told.around, explained.sessions, for_operators=self._for_operators),
        )


def _from_total(explained: TotalExplained, more: str) -> pb.ExplainTotalResponse:
    total, product = explained.total, explained.product
    span = (total.first, total.last) if total.first and total.last else None
    return pb.ExplainTotalResponse(
        paragraph=paragraphs.of_total(
            product, total.tally, total.day_count, span, total.left_out, cut=total.cut
        ),
        rules_version=RULES_VERSION,
        as_known_time=to_timestamp(explained.instant),
        totals=progress_pb2.Totals(
            product=product,
            session_count=total.tally.session_count,
            elapsed_seconds=total.tally.elapsed_seconds,
            answer_count=total.tally.answer_count,
            correct_answer_count=total.tally.correct_answer_count,
            day_count=total.day_count,
        ),
        left_out_count=sum(total.left_out.values()),
        days=[from_day(day, product, tally) for day, tally in explained.days],
        left_out=map(from_left_out, explained.left_out),
        next_page_token=more,
    )


def _asked_at(request: pb.ExplainStreakRequest | pb.ExplainTotalRequest) -> str:
    """Returns the state of knowledge as a part of what a page token belongs to."""
    at = to_instant(request.as_known_time, given=request.HasField("as_known_time"))
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
