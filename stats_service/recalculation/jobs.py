"""Starts, shows, cancels and resumes recalculations, and sends again what was lost of them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from service_kit.errors import InvalidArgumentError, NotFoundError, UnavailableError
from service_kit.logging import get_logger
from stats_service.recalculation.ports import (
    JobStore,
    Recalculation,
    RecalculationQueue,
    Scope,
    SendShards,
    ShardStore,
    UserDifference,
)

# What is sent at once; the workers send the rest, and what was lost.
MOST_SENT = 1_000

log = get_logger(__name__)


class SendPending:
    """Sends a job's shards."""

    def __init__(self, jobs: JobStore, queue: RecalculationQueue) -> None:
        self._jobs = jobs
        self._queue = queue

    async def __call__(self, job_id: UUID) -> None:
        """Sends those that are pending. Where the queue does not answer, the workers send them later."""
        shards = await self._jobs.unsent(job_id, MOST_SENT)
        try:
            await self._queue.send(shards)
        except UnavailableError:
            log.warning("recalculation_not_sent", job=str(job_id), shards=len(shards))


class StartRecalculation:
    """Makes a job and sends its shards."""

    def __init__(self, jobs: JobStore, send_pending: SendPending) -> None:
        self._jobs = jobs
        self._send_pending = send_pending

    async def __call__(self, scope: Scope, *, shadow: bool, deep: bool) -> Recalculation:
        """Returns the new job. Raises InvalidArgumentError for a range that ends before it begins.

        Not idempotent, and harmless: two jobs on the same learners do the work of one.
        """
        # A few learners' rows are soon compared: who is named is doubted.
        deep = deep or shadow or bool(scope.user_ids)
        _check(scope.first_user, scope.last_user, "last_user_id")
        _check(scope.first_day, scope.last_day, "to_date")
        job_id, shards = await self._jobs.open(scope, shadow=shadow, deep=deep)
        log.info("recalculation_started", job=str(job_id), shards=shards, shadow=shadow, deep=deep)
        await self._send_pending(job_id)
        return await find_job(self._jobs, job_id)


async def find_job(jobs: JobStore, job_id: UUID | None) -> Recalculation:
    """Returns a job, the newest when none is named. Raises NotFoundError."""
    job = await jobs.find(job_id)
    if job is None:
        raise job_not_found(job_id)
    return job


def job_not_found(job_id: UUID | None) -> NotFoundError:
    """Returns the error for a job that there is not."""
    return NotFoundError(
        "There is no such recalculation", reason="RECALCULATION_NOT_FOUND", job=str(job_id or "")
    )


def _check(first: object, last: object, field: str) -> None:
    if first is not None and last is not None and last < first:  # type: ignore[operator]
        raise InvalidArgumentError(
            "The range ends before it begins", reason="FIELD_INVALID", field=field, rule="range"
        )


class GetRecalculation:
    """Reads a job."""

    def __init__(self, jobs: JobStore) -> None:
        self._jobs = jobs

    async def __call__(self, job_id: UUID | None) -> Recalculation:
        """Returns a job, the newest when none is named. Raises NotFoundError."""
        return await find_job(self._jobs, job_id)


class ListRecalculationDifferences:
    """Reads a part of them."""

    def __init__(self, jobs: JobStore) -> None:
        self._jobs = jobs

    async def __call__(self, job_id: UUID, *, after_user_id: int, limit: int) -> Sequence[UserDifference]:
        """Returns at most `limit` learners after a number, by number. Raises NotFoundError."""
        await find_job(self._jobs, job_id)
        return await self._jobs.differences(job_id, after_user_id, limit)


class CancelRecalculation:
    """Lets no further shard of a job begin."""

    def __init__(self, jobs: JobStore) -> None:
        self._jobs = jobs

    async def __call__(self, job_id: UUID) -> Recalculation:
        """Returns the job; what was corrected stays, and one that is done stays done. Idempotent.

        Raises NotFoundError.
        """
        if not await self._jobs.cancel(job_id):
            raise job_not_found(job_id)
        return await find_job(self._jobs, job_id)


class ResumeRecalculation:
    """Sends what is left of a job, cancelled or failed or lost, without waiting for the workers to notice."""

    def __init__(self, jobs: JobStore, send_pending: SendPending) -> None:
        self._jobs = jobs
        self._send_pending = send_pending

    async def __call__(self, job_id: UUID) -> Recalculation:
        """Returns the job; shards that are done are not run again. Idempotent. Raises NotFoundError."""
        if not await self._jobs.revive(job_id):
            raise job_not_found(job_id)
        await self._send_pending(job_id)
        return await find_job(self._jobs, job_id)


# Sent at once, from what nobody runs.


class TendRecalculations:
    """Sends abandoned shards again."""

    def __init__(self, shards: ShardStore, send: SendShards, *, quiet_seconds: float) -> None:
        """Where nothing moved for `quiet_seconds`, messages are taken for lost."""
        self._shards = shards
        self._send = send
        self._quiet = quiet_seconds

    def __call__(self) -> None:
        """Does so once, unless somebody is at it. Raises UnavailableError when a part is in the way."""
        with self._shards.alone("tend") as mine:
            if not mine:
                return
            abandoned = self._shards.abandoned(quiet_seconds=self._quiet, most=MOST_SENT)
            if abandoned:
                log.info("shards_sent_again", count=len(abandoned))
                self._send(abandoned)
