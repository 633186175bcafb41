"""Wires the worker that takes in completions and changes of calendar.

    python -m celery -A stats_service.worker worker --queues completions --concurrency 2

(`--without-gossip --without-mingle --without-heartbeat` spare chatter between
workers that nobody listens to.)

Any number may run. Killing one at any moment loses and doubles nothing: a fact
is counted in one transaction, acknowledged after it, and what the queue loses
is delivered again by the session service's outbox. Everything is synchronous;
each child opens its own engine when it starts.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_process_init, worker_process_shutdown, worker_ready
from sqlalchemy import Engine

from service_kit.broker import COUNTED_HINTS, open_broker
from service_kit.db.engines import open_engine
from service_kit.errors import UnavailableError
from service_kit.hints import BlockingHintSender
from service_kit.logging import configure_logging
from service_kit.setting_faults import read_settings
from stats_service.adapters.cel.conditions import published_condition
from stats_service.adapters.celery.consumer import configure_consumer
from stats_service.adapters.celery.tasks import register_tasks, send_backfill
from stats_service.adapters.celery.watchdog import Watchdog, watch
from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.application.backfill import BackfillBadges
from stats_service.application.ingest import ApplyCalendarChanges, ApplyCompletions
from stats_service.leaderboards.sql import SqlClosingStore
from stats_service.leaderboards.tasks import register_closing
from stats_service.leaderboards.use_cases import CloseLeaderboards
from stats_service.settings import WorkerSettings

# Every statement finds its rows by a key, so a plan for one value is one for all. The server would make one
# for each execution: of a list of one it knows that it is short, and that a plan for any list costs more.
_KEPT_PLANS = {"plan_cache_mode": "force_generic_plan"}


class _Child:
    """What one process of the pool opens for itself."""

    def __init__(self, database_url: str, redis_url: str, leaderboard_grace: timedelta) -> None:
        self._database_url = database_url
        self._redis_url = redis_url
        self._leaderboard_grace = leaderboard_grace
        self._engine: Engine | None = None
        self._store: SqlLearnerStore | None = None
        self._hints: BlockingHintSender | None = None

    def open(self, **_signal: Any) -> None:
        """Makes what connects on first use."""
        self._engine = open_engine(
            self._database_url, pool_size=1, application="stats-worker", settings=_KEPT_PLANS
        )
        self._store = SqlLearnerStore(self._engine, published_condition)
        self._hints = BlockingHintSender(self._redis_url, COUNTED_HINTS)

    def close(self, **_signal: Any) -> None:
        """Closes the connections."""
        if self._engine is not None:
            self._engine.dispose()
        if self._hints is not None:
            self._hints.close()

    def apply_completions(self) -> ApplyCompletions:
        """Returns the use case of a running task."""
        return ApplyCompletions(self._opened_store(), announce=self._opened_hints().send)

    def apply_calendar_changes(self) -> ApplyCalendarChanges:
        """Returns the use case of a running task."""
        return ApplyCalendarChanges(self._opened_store(), announce=self._opened_hints().send)

    def backfill_badges(self) -> BackfillBadges:
        """Returns the use case of a running task."""
        return BackfillBadges(self._opened_store())

    def close_leaderboards(self) -> CloseLeaderboards:
        """Returns the use case of a running task."""
        assert self._engine is not None, "a task ran outside of a worker's child"
        return CloseLeaderboards(SqlClosingStore(self._engine), _now, self._leaderboard_grace)

    def _opened_store(self) -> SqlLearnerStore:
        assert self._store is not None, "a task ran outside of a worker's child"
        return self._store

    def _opened_hints(self) -> BlockingHintSender:
        assert self._hints is not None, "a task ran outside of a worker's child"
        return self._hints


def _now() -> datetime:
    return datetime.now(UTC)


def build_worker(settings: WorkerSettings) -> Celery:
    """Returns the wired app. Opens nothing."""
    app = open_broker(settings.redis_url, "stats")
    configure_consumer(app)
    child = _Child(
        settings.database_url, settings.redis_url, timedelta(hours=settings.leaderboard_grace_hours)
    )
    register_tasks(
        app,
        apply_completions=child.apply_completions,
        apply_calendar_changes=child.apply_calendar_changes,
        backfill_badges=child.backfill_badges,
    )
    register_closing(app, child.close_leaderboards)
    watch(app, Watchdog(settings.heartbeat_file), settings.watchdog_seconds)

    def log_as_json(**_signal: Any) -> None:
        configure_logging("stats-worker", settings.log_level)

    def catch_up(**_signal: Any) -> None:
        # A backfill whose message was lost is taken up again; without one this
        # is a single query.
        try:
            send_backfill(app, 0)
        except UnavailableError:
            # The next start or the next load of definitions asks again.
            return

    worker_process_init.connect(child.open, weak=False)
    worker_process_shutdown.connect(child.close, weak=False)
    setup_logging.connect(log_as_json, weak=False)
    worker_ready.connect(catch_up, weak=False)
    return app


app = build_worker(read_settings(WorkerSettings))
