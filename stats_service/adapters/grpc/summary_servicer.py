"""Serves practice.stats.v1.SummaryService: converts, calls the use case, converts back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import grpc
from practice.stats.v1 import summary_pb2
from practice.stats.v1 import summary_service_pb2 as pb
from practice.stats.v1 import summary_service_pb2_grpc as rpc

from service_kit.call import current_call
from stats_service.adapters.grpc.converters import date_from_proto, keep_reason_to_proto
from stats_service.application.summary_queries import GetBestHours, GetHeatmap, ListSummaries
from stats_service.domain.periods import Cadence
from stats_service.domain.standing import Tally
from stats_service.domain.streaks import Run
from stats_service.domain.summaries import Cell, Summary, accuracy

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class UseCases:
    """What is asked of years, periods and hours."""

    get_heatmap: GetHeatmap
    list_summaries: ListSummaries
    get_best_hours: GetBestHours


class SummaryServicer(rpc.SummaryServiceServicer):
    """Implements practice.stats.v1.SummaryService."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use = use_cases

    async def GetHeatmap(self, request: pb.GetHeatmapRequest, context: Context) -> pb.GetHeatmapResponse:
        """Returns every day of a year."""
        call = current_call()
        told = await self._use.get_heatmap(
            call.user_id,
            request.product,
            request.year,
            min_user_seq=request.min_user_seq,
            time_zone=call.time_zone,
        )
        current = told.heatmap.current
        return pb.GetHeatmapResponse(
            year=told.year,
            product=told.product,
            days=map(_cell_to_proto, told.heatmap.cells),
            current_streak=_run_to_proto(current) if current else None,
            as_of_date=told.as_of.isoformat(),
            pending=told.pending,
        )

    async def ListSummaries(
        self, request: pb.ListSummariesRequest, context: Context
    ) -> pb.ListSummariesResponse:
        """Lists weeks or months, oldest first."""
        call = current_call()
        page = await self._use.list_summaries(
            call.user_id,
            request.product,
            cast("Cadence", request.period),
            date_from_proto(request.from_date, "from_date"),
            date_from_proto(request.to_date, "to_date"),
            page_size=request.page_size,
            page_token=request.page_token,
            min_user_seq=request.min_user_seq,
            time_zone=call.time_zone,
        )
        return pb.ListSummariesResponse(
            summaries=map(_summary_to_proto, page.summaries),
            next_page_token=page.next_page_token,
            total_size=page.total,
            pending=page.pending,
        )

    async def GetBestHours(
        self, request: pb.GetBestHoursRequest, context: Context
    ) -> pb.GetBestHoursResponse:
        """Returns at which hours, and on which weekdays, was practised."""
        call = current_call()
        told = await self._use.get_best_hours(
            call.user_id,
            request.product,
            date_from_proto(request.from_date, "from_date"),
            date_from_proto(request.to_date, "to_date"),
            min_user_seq=request.min_user_seq,
            time_zone=call.time_zone,
        )
        return pb.GetBestHoursResponse(
            from_date=told.first.isoformat(),
            to_date=told.last.isoformat(),
            hours=_hours_to_proto(told.hours.hours),
            weekdays=[
                summary_pb2.WeekdayHours(weekday=weekday, hours=_hours_to_proto(hours))
                for weekday, hours in enumerate(told.hours.weekdays)
            ],
            best_hours=told.hours.best,
            pending=told.pending,
        )


def _cell_to_proto(cell: Cell) -> summary_pb2.HeatmapDay:
    return summary_pb2.HeatmapDay(
        date=cell.day.isoformat(),
        session_count=cell.tally.session_count,
        elapsed_seconds=cell.tally.elapsed_seconds,
        level=cell.level,
        keep_reason=keep_reason_to_proto(cell.keep_reason),
    )


def _run_to_proto(run: Run) -> summary_pb2.StreakSpan:
    return summary_pb2.StreakSpan(
        start_date=run.first.isoformat(), last_date=run.last.isoformat(), days=run.length
    )


def _summary_to_proto(summary: Summary) -> summary_pb2.Summary:
    tally, change = summary.tally, summary.change
    message = summary_pb2.Summary(
        start_date=summary.period.first.isoformat(),
        end_date=summary.period.last.isoformat(),
        session_count=tally.session_count,
        elapsed_seconds=tally.elapsed_seconds,
        answer_count=tally.answer_count,
        correct_answer_count=tally.correct_answer_count,
        day_count=summary.day_count,
        change=summary_pb2.SummaryChange(
            session_count=change.sessions, elapsed_seconds=change.seconds, day_count=change.days
        ),
        products=[_product_to_proto(product, part) for product, part in summary.products],
    )
    if summary.best:
        day, best = summary.best
        message.best_day.date = day.isoformat()
        message.best_day.session_count = best.session_count
        message.best_day.elapsed_seconds = best.elapsed_seconds
    return message


def _product_to_proto(product: str, tally: Tally) -> summary_pb2.SummaryProduct:
    return summary_pb2.SummaryProduct(
        product=product,
        session_count=tally.session_count,
        elapsed_seconds=tally.elapsed_seconds,
        answer_count=tally.answer_count,
        correct_answer_count=tally.correct_answer_count,
    )


def _hours_to_proto(hours: Sequence[Tally]) -> list[summary_pb2.HourTotals]:
    return [
        summary_pb2.HourTotals(
            hour=hour,
            session_count=tally.session_count,
            elapsed_seconds=tally.elapsed_seconds,
            answer_count=tally.answer_count,
            correct_answer_count=tally.correct_answer_count,
            accuracy=accuracy(tally),
        )
        for hour, tally in enumerate(hours)
    ]
