"""The relay's process: `python -m session_service.relay`. Any number may run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path

from service_kit import process
from service_kit.broker import COMPLETIONS_QUEUE, TaskQueue
from service_kit.db.engines import close_async_engine, open_async_engine
from service_kit.db.faults import is_unavailable
from service_kit.db.idempotency import IdempotencyHousekeeping
from service_kit.errors import UnavailableError
from service_kit.grpc.channels import open_channel
from service_kit.logging import configure_logging, get_logger
from service_kit.setting_faults import read_settings
from service_kit.settings import read_secret
from session_service.adapters.celery.publisher import EventPublisher
from session_service.adapters.db import tables
from session_service.adapters.db.housekeeping import forgetting_journals
from session_service.adapters.redis.client import open_redis
from session_service.adapters.stats.client import StatisticsClient
from session_service.outbox.relay import LoggedOutboxQueue, RelayOutbox
from session_service.outbox.sql import SqlOutboxQueue
from session_service.settings import RelaySettings

log = get_logger(__name__)

_HOUSEKEEPING_SECONDS = 600.0


async def relay_forever(
    relay: RelayOutbox,
    housekeeping: Sequence[Callable[[], Awaitable[object]]],
    *,
    interval: float,
    heartbeat: Path | None,
) -> None:
    """Runs rounds, without a pause while there is work; what is away is waited for."""
    next_housekeeping = 0.0
    while True:
        busy = False
        try:
            done = await relay()
            if done.due:
                log.info("relayed", **{name: getattr(done, name) for name in done.__slots__})
            if done.published and done.due == relay.batch:
                await relay.wait_for_worker()
                busy = True
            else:
                busy = done.settled
            if time.monotonic() >= next_housekeeping:
                for delete_old in housekeeping:
                    await delete_old()
                next_housekeeping = time.monotonic() + _HOUSEKEEPING_SECONDS
        except UnavailableError as error:
            log.warning("queue_unavailable", error=error.message)
            busy = False
        except Exception as error:
            if not is_unavailable(error):
                raise
            log.warning("database_unavailable", error=repr(error))
        if heartbeat is not None:
            await asyncio.to_thread(heartbeat.touch)
        if not busy:
            await asyncio.sleep(interval)


async def run(settings: RelaySettings) -> None:
    """Relays until SIGTERM or SIGINT."""
    engine = open_async_engine(settings.database_url, pool_size=2, application="relay")
    channel = open_channel(settings.stats_address)
    redis = open_redis(settings.redis_url)
    queue = SqlOutboxQueue(engine, timedelta(seconds=settings.relay_lease_seconds))
    relay = RelayOutbox(
        LoggedOutboxQueue(queue),
        EventPublisher(TaskQueue(redis.execute_command, COMPLETIONS_QUEUE, "relay")),
        StatisticsClient(channel, read_secret(settings.internal_token_file)),
        first_wait=timedelta(seconds=settings.outbox_first_wait_seconds),
    )
    rounds = asyncio.create_task(
        relay_forever(
            relay,
            (
                queue.forget_old,
                IdempotencyHousekeeping(engine, tables.idempotency),
                forgetting_journals(engine, timedelta(days=settings.journal_days)),
            ),
            interval=settings.relay_interval_seconds,
            heartbeat=settings.heartbeat_file,
        )
    )
    stop = asyncio.create_task(process.stop_requested())
    try:
        # A round that fails for good ends the process: its supervisor tells.
        done, _ = await asyncio.wait({rounds, stop}, return_when=asyncio.FIRST_COMPLETED)
        if rounds in done:
            rounds.result()
    finally:
        rounds.cancel()
        stop.cancel()
        await asyncio.gather(rounds, stop, return_exceptions=True)
        await channel.close()
        await redis.aclose()
        await close_async_engine(engine)


def main() -> None:
    """Reads the settings and relays."""
    settings = read_settings(RelaySettings)
    configure_logging("relay", settings.log_level)
    process.run(run(settings))


if __name__ == "__main__":
    main()
