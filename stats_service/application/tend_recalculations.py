"""Keeps recalculations going when their messages or workers were lost."""

from __future__ import annotations

import structlog

from stats_service.application.ports.recalculation import SendShards, ShardStore

# Sent at once, from what nobody runs.
MOST_SENT = 1_000

log = structlog.get_logger(__name__)


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
