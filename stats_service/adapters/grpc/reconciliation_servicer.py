"""Reconciliation for operators: convert, call the use case, convert back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import grpc
from practice.stats.v1 import reconciliation_service_pb2 as pb
from practice.stats.v1.reconciliation_service_pb2_grpc import ReconciliationAdminServiceServicer

from service_kit.paging import decode_page_number, encode_page_token
from stats_service.adapters.grpc.converters import to_timestamp
from stats_service.application.get_reconciliation import GetReconciliation
from stats_service.application.list_reconciled_people import ListReconciledPeople
from stats_service.application.ports.reconciliation import (
    Counts,
    ReconciledPerson,
    Reconciliation,
    Request,
    Whom,
)
from stats_service.application.start_reconciliation import StartReconciliation

Context = grpc.aio.ServicerContext[Any, Any]

SERVICE = "practice.stats.v1.ReconciliationAdminService"

_LIST = "ListReconciledPeople"
_DEFAULT_PEOPLE = 100
_SCOPES = {
    Whom.RECENT: pb.RECONCILIATION_SCOPE_RECENT,
    Whom.ALL: pb.RECONCILIATION_SCOPE_ALL,
    Whom.USERS: pb.RECONCILIATION_SCOPE_USERS,
}
_WHOM = {scope: whom for whom, scope in _SCOPES.items()}


class ReconciliationServicer(ReconciliationAdminServiceServicer):
    """Implements practice.stats.v1.ReconciliationAdminService."""

    def __init__(
        self,
        start_reconciliation: StartReconciliation,
        get_reconciliation: GetReconciliation,
        list_reconciled_people: ListReconciledPeople,
    ) -> None:
        self._start_reconciliation = start_reconciliation
        self._get_reconciliation = get_reconciliation
        self._list_reconciled_people = list_reconciled_people

    async def StartReconciliation(
        self, request: pb.StartReconciliationRequest, context: Context
    ) -> pb.Reconciliation:
        """Starts a run."""
        return _from_run(await self._start_reconciliation(_to_request(request)))

    async def GetReconciliation(
        self, request: pb.GetReconciliationRequest, context: Context
    ) -> pb.Reconciliation:
        """Returns a run."""
        return _from_run(await self._get_reconciliation(UUID(request.run_id) if request.run_id else None))

    async def ListReconciledPeople(
        self, request: pb.ListReconciledPeopleRequest, context: Context
    ) -> pb.ListReconciledPeopleResponse:
        """Returns a page of people."""
        limit = request.page_size or _DEFAULT_PEOPLE
        after = decode_page_number(_LIST, [request.run_id], request.page_token) or 0
        found = await self._list_reconciled_people(UUID(request.run_id), after_user_id=after, limit=limit + 1)
        more = ""
        if len(found) > limit:
            more = encode_page_token(_LIST, [request.run_id], found[limit - 1].user_id)
        return pb.ListReconciledPeopleResponse(people=map(_from_person, found[:limit]), next_page_token=more)


def _to_request(request: pb.StartReconciliationRequest) -> Request:
    user_ids = tuple(sorted(set(request.user_ids)))
    whom = _WHOM.get(request.scope, Whom.USERS if user_ids else Whom.RECENT)
    if not request.HasField("settle"):
        return Request(whom, user_ids, request.deep)
    settle: timedelta = request.settle.ToTimedelta()
    return Request(whom, user_ids, request.deep, settle)


def _from_run(run: Reconciliation) -> pb.Reconciliation:
    return pb.Reconciliation(
        run_id=str(run.run_id),
        scope=_SCOPES[run.request.whom],
        deep=run.request.deep,
        start_time=to_timestamp(run.started_at),
        finish_time=to_timestamp(run.finished_at) if run.finished_at else None,
        last_error=run.last_error,
        compared_count=run.compared,
        person_count=run.people,
        counts=_from_counts(run.counts),
        different_count=run.different,
        whole_count=run.whole,
    )


def _from_person(person: ReconciledPerson) -> pb.ReconciledPerson:
    return pb.ReconciledPerson(user_id=person.user_id, counts=_from_counts(person.counts), whole=person.whole)


def _from_counts(counts: Counts) -> pb.ReconciledCounts:
    return pb.ReconciledCounts(
        republished_count=counts.republished,
        arrived_count=counts.arrived,
        refused_count=counts.refused,
        corrected_count=counts.corrected,
        alien_count=counts.aliens,
        progress_row_count=counts.progress_rows,
    )
