"""Starts to derive people's progress anew."""

from __future__ import annotations

from uuid import UUID

import structlog

from service_kit.errors import InvalidArgumentError, NotFoundError, UnavailableError
from stats_service.application.ports.recalculation import (
    Recalculation,
    RecalculationBook,
    RecalculationQueue,
    Scope,
)

# What is sent at once; the workers send the rest, and what was lost.
MOST_SENT = 1_000

log = structlog.get_logger(__name__)


class SendPending:
    """Sends a job's shards."""

    def __init__(self, book: RecalculationBook, queue: RecalculationQueue) -> None:
        self._book = book
        self._queue = queue

    async def __call__(self, job_id: UUID) -> None:
        """Sends those that are pending. Where the queue does not answer, the workers send them later."""
        shards = await self._book.unsent(job_id, MOST_SENT)
        try:
            await self._queue.send(shards)
        except UnavailableError:
            log.warning("recalculation_not_sent", job=str(job_id), shards=len(shards))


class StartRecalculation:
    """Makes a job and sends its shards."""

    def __init__(self, book: RecalculationBook, send_pending: SendPending) -> None:
        self._book = book
        self._send_pending = send_pending

    async def __call__(self, scope: Scope, *, shadow: bool, deep: bool) -> Recalculation:
        """Returns the new job. Raises InvalidArgumentError for a range that ends before it begins.

        Not idempotent, and harmless: two jobs on the same people do the work of one.
        """
        # A few people's rows are soon compared: who is named is doubted.
        deep = deep or shadow or bool(scope.user_ids)
        _check(scope.first_user, scope.last_user, "last_user_id")
        _check(scope.first_day, scope.last_day, "to_date")
        job_id, shards = await self._book.open(scope, shadow=shadow, deep=deep)
        log.info("recalculation_started", job=str(job_id), shards=shards, shadow=shadow, deep=deep)
        await self._send_pending(job_id)
        return await found(self._book, job_id)


async def found(book: RecalculationBook, job_id: UUID | None) -> Recalculation:
    """Returns a job, the newest when none is named. Raises NotFoundError."""
    job = await book.find(job_id)
    if job is None:
        raise not_found(job_id)
    return job


def not_found(job_id: UUID | None) -> NotFoundError:
    """Returns the error for a job that there is not."""
    return NotFoundError(
        "There is no such recalculation", reason="RECALCULATION_NOT_FOUND", job=str(job_id or "")
    )


def _check(first: object, last: object, field: str) -> None:
    if first is not None and last is not None and last < first:  # type: ignore[operator]
        raise InvalidArgumentError(
            "The range ends before it begins", reason="FIELD_INVALID", field=field, rule="range"
        )
