"""Serves practice.stats.v1.RecalculationAdminService: converts, calls the use case, converts back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import grpc
from google.protobuf.struct_pb2 import Struct
from practice.stats.v1 import recalculation_service_pb2 as pb
from practice.stats.v1 import recalculation_service_pb2_grpc as rpc

from service_kit.errors import InvalidArgumentError
from service_kit.paging import PageRequest
from stats_service.adapters.grpc.converters import date_from_proto, instant_to_proto
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.recalculation.jobs import (
    CancelRecalculation,
    GetRecalculation,
    ListRecalculationDifferences,
    ResumeRecalculation,
    StartRecalculation,
)
from stats_service.recalculation.ports import Recalculation, Scope, Summed, UserDifference

Context = grpc.aio.ServicerContext[Any, Any]

SERVICE = "practice.stats.v1.RecalculationAdminService"
_LIST = "ListRecalculationDifferences"
_DEFAULT_PAGE = 50


@dataclass(frozen=True, slots=True)
class UseCases:
    """What the service does."""

    start: StartRecalculation
    get: GetRecalculation
    list_differences: ListRecalculationDifferences
    cancel: CancelRecalculation
    resume: ResumeRecalculation


class RecalculationAdminServicer(rpc.RecalculationAdminServiceServicer):
    """What operators may ask."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use = use_cases

    async def StartRecalculation(
        self, request: pb.StartRecalculationRequest, context: Context
    ) -> pb.Recalculation:
        """Starts a recalculation."""
        job = await self._use.start(_scope_from_proto(request), shadow=request.shadow, deep=request.deep)
        return _recalculation_to_proto(job)

    async def GetRecalculation(
        self, request: pb.GetRecalculationRequest, context: Context
    ) -> pb.Recalculation:
        """Tells how far one is."""
        job_id = UUID(request.job_id) if request.job_id else None
        return _recalculation_to_proto(await self._use.get(job_id))

    async def ListRecalculationDifferences(
        self, request: pb.ListRecalculationDifferencesRequest, context: Context
    ) -> pb.ListRecalculationDifferencesResponse:
        """Returns a page of learners with differences."""
        wanted = PageRequest(_LIST, request.page_size, request.page_token, (request.job_id,), _DEFAULT_PAGE)
        found = await self._use.list_differences(
            UUID(request.job_id), after_user_id=wanted.number() or 0, limit=wanted.limit
        )
        page = wanted.page(found, lambda each: each.user_id)
        return pb.ListRecalculationDifferencesResponse(
            user_differences=map(_user_difference_to_proto, page.items), next_page_token=page.next_page_token
        )

    async def CancelRecalculation(
        self, request: pb.CancelRecalculationRequest, context: Context
    ) -> pb.Recalculation:
        """Lets no further shard begin."""
        return _recalculation_to_proto(await self._use.cancel(UUID(request.job_id)))

    async def ResumeRecalculation(
        self, request: pb.ResumeRecalculationRequest, context: Context
    ) -> pb.Recalculation:
        """Goes on with one."""
        return _recalculation_to_proto(await self._use.resume(UUID(request.job_id)))


def _scope_from_proto(request: pb.StartRecalculationRequest) -> Scope:
    """Raises InvalidArgumentError unless some learners are chosen, or everybody is."""
    scope = Scope(
        user_ids=tuple(sorted(set(request.user_ids))),
        first_user=request.first_user_id or None,
        last_user=request.last_user_id or None,
        product=request.product,
        first_day=date_from_proto(request.from_date, "from_date"),
        last_day=date_from_proto(request.to_date, "to_date"),
    )
    if request.all_users == (scope != Scope()):
        raise InvalidArgumentError(
            "Either choose learners by number, product or dates, or set all_users",
            reason="FIELD_INVALID",
            field="all_users",
        )
    if scope.product == ALL_PRODUCTS:
        raise InvalidArgumentError(
            "Choose learners by one product, or set all_users", reason="FIELD_INVALID", field="product"
        )
    return scope


def _recalculation_to_proto(job: Recalculation) -> pb.Recalculation:
    return pb.Recalculation(
        job_id=str(job.job_id),
        shadow=job.shadow,
        deep=job.deep,
        create_time=instant_to_proto(job.created_at),
        finish_time=instant_to_proto(job.finished_at) if job.finished_at else None,
        cancel_time=instant_to_proto(job.cancelled_at) if job.cancelled_at else None,
        shard_count=job.shards,
        done_shard_count=job.shards_done,
        failed_shard_count=job.shards_failed,
        expected_completion_count=job.expected_completions,
        settled_completion_count=job.expected_completions_done,
        learner_count=job.learners,
        completion_count=job.completions,
        wrong_learner_count=job.learners_wrong,
        changed_row_count=job.changed_rows,
        table_differences=[_summed_to_proto(table, summed) for table, summed in sorted(job.summed.items())],
        last_error=job.last_error,
    )


def _summed_to_proto(table: str, summed: Summed) -> pb.TableDifference:
    return pb.TableDifference(
        table=table,
        learner_count=summed.learners,
        missing_row_count=summed.missing,
        surplus_row_count=summed.surplus,
        changed_row_count=summed.changed,
        excess=summed.sums,
    )


def _user_difference_to_proto(difference: UserDifference) -> pb.UserDifference:
    rows = [
        pb.RowDifference(table=each.table, stored=_struct(each.stored), derived=_struct(each.derived))
        for each in difference.rows
    ]
    return pb.UserDifference(user_id=difference.user_id, row_count=difference.row_count, rows=rows)


def _struct(row: Mapping[str, Any] | None) -> Struct | None:
    if row is None:
        return None
    struct = Struct()
    # The learner is told beside the row, as a whole number.
    struct.update({name: value for name, value in row.items() if name != "user_id"})
    return struct
