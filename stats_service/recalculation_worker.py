"""Wires the worker that derives learners' progress anew, and does what is done from time to time.

    python -m celery -A stats_service.recalculation_worker worker --beat --queues recalculation,upkeep

Any number may run, on any number of machines. Killing one at any moment loses
nothing: what it ran is sent again, and running it again changes nothing more.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_process_init, worker_process_shutdown
from sqlalchemy import Engine

from service_kit.broker import open_broker
from service_kit.db.engines import open_engine
from service_kit.logging import configure_logging
from service_kit.setting_faults import read_settings
from stats_service.adapters.cel.conditions import published_condition
from stats_service.adapters.celery.consumer import configure_consumer
from stats_service.adapters.celery.watchdog import Watchdog, watch
from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.recalculation.jobs import TendRecalculations
from stats_service.recalculation.shards import RecalculateShard
from stats_service.recalculation.shards_sql import SqlShardStore
from stats_service.recalculation.tasks import (
    RECALCULATION_QUEUE,
    UPKEEP_QUEUE,
    register_recalculation,
    send_shards,
)
from stats_service.reconciliation.reconcile import Reconcile
from stats_service.reconciliation.tasks import register_reconciliation
from stats_service.reconciliation.wiring import open_reconcile
from stats_service.schedule import schedule
from stats_service.settings import RecalculationSettings


class _Child:
    """What one process of the pool opens for itself."""

    def __init__(self, app: Celery, settings: RecalculationSettings) -> None:
        self._app = app
        self._settings = settings
        self._engine: Engine | None = None
        self._shards: SqlShardStore | None = None
        self._learners: SqlLearnerStore | None = None

    def open(self, **_signal: Any) -> None:
        """Makes the engine; it connects on first use. One connection holds a shard, the other works on it."""
        self._engine = open_engine(self._settings.database_url, pool_size=2, application="stats-recalculator")
        self._shards = SqlShardStore(self._engine, published_condition)
        self._learners = SqlLearnerStore(self._engine, published_condition)

    def close(self, **_signal: Any) -> None:
        """Closes the connections."""
        if self._engine is not None:
            self._engine.dispose()

    def recalculate_shard(self) -> RecalculateShard:
        """Returns the use case of a running task."""
        assert self._shards is not None and self._learners is not None, "a task ran outside of a child"
        return RecalculateShard(self._shards, self._learners)

    def tend_recalculations(self) -> TendRecalculations:
        """Returns the use case of a running task."""
        assert self._shards is not None, "a task ran outside of a worker's child"
        return TendRecalculations(
            self._shards,
            lambda shards: send_shards(self._app, shards),
            quiet_seconds=self._settings.recalculation_quiet_seconds,
        )

    def open_reconcile(self) -> AbstractContextManager[Reconcile]:
        """Opens the use case of a running task."""
        assert self._engine and self._shards and self._learners, "a task ran outside of a worker's child"
        return open_reconcile(self._settings, self._engine, self._shards, self._learners)


def build_worker(settings: RecalculationSettings) -> Celery:
    """Returns the wired app. Opens nothing."""
    app = open_broker(settings.redis_url, "stats-recalculation")
    configure_consumer(app)
    child = _Child(app, settings)
    register_recalculation(
        app, recalculate_shard=child.recalculate_shard, tend_recalculations=child.tend_recalculations
    )
    register_reconciliation(app, child.open_reconcile)
    schedule(
        app,
        tend_seconds=settings.upkeep_seconds,
        closing_seconds=settings.leaderboard_closing_seconds,
    )
    watch(
        app,
        Watchdog(settings.heartbeat_file, (RECALCULATION_QUEUE, UPKEEP_QUEUE)),
        settings.watchdog_seconds,
    )

    def log_as_json(**_signal: Any) -> None:
        configure_logging("stats-recalculator", settings.log_level)

    worker_process_init.connect(child.open, weak=False)
    worker_process_shutdown.connect(child.close, weak=False)
    setup_logging.connect(log_as_json, weak=False)
    return app


app = build_worker(read_settings(RecalculationSettings))
