"""Reconciliation for operators: convert, call the use case, convert back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import grpc
from practice.stats.v1 import reconciliation_service_pb2 as pb
from practice.stats.v1.reconciliation_service_pb2_grpc import ReconciliationAdminServiceServicer

from service_kit.paging import PageRequest
from stats_service.adapters.grpc.converters import instant_to_proto
from stats_service.reconciliation.ports import (
    Counts,
    ReconciledLearner,
    Reconciliation,
    Request,
    Whom,
)
from stats_service.reconciliation.runs import GetReconciliation, ListReconciledLearners, StartReconciliation

Context = grpc.aio.ServicerContext[Any, Any]

SERVICE = "practice.stats.v1.ReconciliationAdminService"

_LIST = "ListReconciledLearners"
_DEFAULT_LEARNERS = 100
_SCOPES = {
    Whom.RECENT: pb.RECONCILIATION_SCOPE_RECENT,
    Whom.ALL: pb.RECONCILIATION_SCOPE_ALL,
    Whom.USERS: pb.RECONCILIATION_SCOPE_USERS,
}
_WHOM = {scope: whom for whom, scope in _SCOPES.items()}


@dataclass(frozen=True, slots=True)
class UseCases:
    """What operators do about reconciliations."""

    start_reconciliation: StartReconciliation
    get_reconciliation: GetReconciliation
    list_reconciled_learners: ListReconciledLearners


class ReconciliationServicer(ReconciliationAdminServiceServicer):
    """Implements practice.stats.v1.ReconciliationAdminService."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use = use_cases

    async def StartReconciliation(
        self, request: pb.StartReconciliationRequest, context: Context
    ) -> pb.Reconciliation:
        """Starts a run."""
        return _run_to_proto(await self._use.start_reconciliation(_request_from_proto(request)))

    async def GetReconciliation(
        self, request: pb.GetReconciliationRequest, context: Context
    ) -> pb.Reconciliation:
        """Returns a run."""
        return _run_to_proto(
            await self._use.get_reconciliation(UUID(request.run_id) if request.run_id else None)
        )

    async def ListReconciledLearners(
        self, request: pb.ListReconciledLearnersRequest, context: Context
    ) -> pb.ListReconciledLearnersResponse:
        """Returns a page of learners."""
        wanted = PageRequest(
            _LIST, request.page_size, request.page_token, (request.run_id,), _DEFAULT_LEARNERS
        )
        found = await self._use.list_reconciled_learners(
            UUID(request.run_id), after_user_id=wanted.number() or 0, limit=wanted.limit
        )
        page = wanted.page(found, lambda each: each.user_id)
        return pb.ListReconciledLearnersResponse(
            learners=map(_learner_to_proto, page.items), next_page_token=page.next_page_token
        )


def _request_from_proto(request: pb.StartReconciliationRequest) -> Request:
    user_ids = tuple(sorted(set(request.user_ids)))
    whom = _WHOM.get(request.scope, Whom.USERS if user_ids else Whom.RECENT)
    if not request.HasField("settle"):
        return Request(whom, user_ids, request.deep)
    settle: timedelta = request.settle.ToTimedelta()
    return Request(whom, user_ids, request.deep, settle)


def _run_to_proto(run: Reconciliation) -> pb.Reconciliation:
    return pb.Reconciliation(
        run_id=str(run.run_id),
        scope=_SCOPES[run.request.whom],
        deep=run.request.deep,
        start_time=instant_to_proto(run.started_at),
        finish_time=instant_to_proto(run.finished_at) if run.finished_at else None,
        last_error=run.last_error,
        compared_count=run.compared,
        learner_count=run.learners,
        counts=_counts_to_proto(run.counts),
        different_count=run.different,
        whole_count=run.whole,
    )


def _learner_to_proto(learner: ReconciledLearner) -> pb.ReconciledLearner:
    return pb.ReconciledLearner(
        user_id=learner.user_id, counts=_counts_to_proto(learner.counts), whole=learner.whole
    )


def _counts_to_proto(counts: Counts) -> pb.ReconciledCounts:
    return pb.ReconciledCounts(
        republished_count=counts.republished,
        arrived_count=counts.arrived,
        refused_count=counts.refused,
        corrected_count=counts.corrected,
        orphan_count=counts.orphans,
        progress_row_count=counts.progress_rows,
    )
