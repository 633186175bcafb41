"""The task that makes boards final. It may be sent at any time, from any number of machines."""

from __future__ import annotations

from collections.abc import Callable

from celery import Celery

from service_kit.broker import COMPLETIONS_QUEUE
from service_kit.errors import UnavailableError
from service_kit.logging import get_logger
from stats_service.leaderboards.use_cases import CloseLeaderboards

# Takes no arguments.
CLOSE_LEADERBOARDS_TASK = "stats.close_leaderboards"

log = get_logger(__name__)


def register_closing(
    app: Celery, close_leaderboards: Callable[[], CloseLeaderboards], *, queue: str = COMPLETIONS_QUEUE
) -> None:
    """Adds the task to the app; what a run leaves undone is sent to `queue`."""

    @app.task(name=CLOSE_LEADERBOARDS_TASK, shared=False)  # type: ignore[untyped-decorator]
    def close() -> None:
        try:
            left = close_leaderboards()()
        except UnavailableError:
            # It is sent again in any case.
            log.warning("leaderboards_not_closed")
            return
        log.info("leaderboards_closed", left=left)
        if left:
            app.send_task(CLOSE_LEADERBOARDS_TASK, queue=queue)
