"""Wires reconciliation: into the server, and for the worker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from celery import Celery
from practice.stats.v1 import reconciliation_service_pb2_grpc as rpc
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.settings import read_secret
from stats_service.adapters.celery.events import read_fact
from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.recalculation.shards_sql import SqlShardStore
from stats_service.reconciliation.correct import CorrectFacts, CorrectProgress
from stats_service.reconciliation.grpc import SERVICE, ReconciliationServicer, UseCases
from stats_service.reconciliation.reconcile import Reconcile
from stats_service.reconciliation.runs import GetReconciliation, ListReconciledLearners, StartReconciliation
from stats_service.reconciliation.session_client import open_event_record
from stats_service.reconciliation.sql import SqlRunStore
from stats_service.reconciliation.store import SqlReconciliationStore
from stats_service.reconciliation.tasks import CeleryReconciliationQueue
from stats_service.settings import RecalculationSettings

INTERNAL = frozenset({SERVICE})


def register_reconciliation_service(server: grpc.aio.Server, engine: AsyncEngine, broker: Celery) -> None:
    """Adds the service to a server."""
    runs = SqlRunStore(engine)
    use_cases = UseCases(
        StartReconciliation(runs, CeleryReconciliationQueue(broker)),
        GetReconciliation(runs),
        ListReconciledLearners(runs),
    )
    rpc.add_ReconciliationAdminServiceServicer_to_server(ReconciliationServicer(use_cases), server)


@contextmanager
def open_reconcile(
    settings: RecalculationSettings, engine: Engine, shards: SqlShardStore, learners: SqlLearnerStore
) -> Iterator[Reconcile]:
    """Opens the use case with a channel to the session service. Needs two connections at a time.

    The channel is made in the process that uses it: gRPC does not survive a fork.
    """
    store = SqlReconciliationStore(engine)
    token = read_secret(settings.internal_token_file)
    with open_event_record(settings.session_address, token, read_fact) as events:
        yield Reconcile(
            store,
            events,
            shards,
            CorrectFacts(learners),
            CorrectProgress(store, learners, shards),
            recent_seconds=settings.reconciliation_recent_seconds,
            nightly_hour=settings.reconciliation_nightly_hour,
        )
