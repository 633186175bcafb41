"""The settings of the stats service's processes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from service_kit.grpc.concurrency import ConcurrencyLimits
from service_kit.setting_types import Addresses, LogLevel, PostgresUrl, RedisUrl, SecretFile
from service_kit.settings import PlatformSettings, RevocationSettings, ServiceSettings, WatchSettings
from stats_service.domain.protection import DEFAULT_FREEZE_LIMIT, DEFAULT_FREEZE_PURCHASES

# Sessions that arrive so late still count for a board.
GraceHours = Annotated[
    float,
    Field(ge=0, le=24 * 28, description="how long boards take scores once everybody's period is over"),
]


_STATISTICS = "/practice.stats.v1.StatsService"
# Those that are server-sent events.
EVENTS = (f"{_STATISTICS}/WatchStatisticsAsEvents",)
_WATCHES = (f"{_STATISTICS}/WatchStatistics", *EVENTS)


class Settings(ServiceSettings, RevocationSettings, WatchSettings):
    """What the gRPC server needs."""

    redis_url: RedisUrl = Field(description="Redis: the task queue")
    session_address: Addresses = Field(description="the session service, which remembers users' zones")
    wait_seconds: float = Field(
        default=0.8, ge=0, le=60, description="how long a read waits for the completion it names"
    )
    leaderboard_grace_hours: GraceHours = 12
    freeze_limit: int = Field(
        default=DEFAULT_FREEZE_LIMIT,
        ge=0,
        le=366,
        description="the most freezes that can be held for a streak; freezes recorded earlier keep theirs",
    )
    freeze_purchases: int = Field(
        default=DEFAULT_FREEZE_PURCHASES,
        ge=0,
        le=366,
        description="the most freezes that an account can buy in 30 days, for all of its streaks together",
    )
    housekeeping_seconds: float = Field(
        default=600, gt=0, le=86_400, description="how often expired rows are deleted"
    )
    report_days: float = Field(
        default=30,
        ge=1,
        le=3660,
        description="how long the findings of recalculations and reconciliations are kept after their end",
    )

    def limits(self) -> ConcurrencyLimits:
        """Returns how many calls may be under way at once."""
        return ConcurrencyLimits.of(self.call_limit(), (self.watch_limit(), _WATCHES))


class ConsumerSettings(PlatformSettings):
    """What every worker needs."""

    database_url: PostgresUrl = Field(description="the database")
    redis_url: RedisUrl = Field(description="Redis: the task queue")
    log_level: LogLevel = Field(default="INFO", description="what is logged: this and everything graver")
    watchdog_seconds: float = Field(
        default=3.0, gt=0, le=10, description="how often a worker looks at itself"
    )
    heartbeat_file: Path | None = Field(
        default=None, description="touched at every look that finds the worker consuming"
    )


class WorkerSettings(ConsumerSettings):
    """What the worker of completions needs."""

    leaderboard_grace_hours: GraceHours = 12


class RecalculationSettings(ConsumerSettings):
    """What the worker of recalculations needs."""

    upkeep_seconds: float = Field(
        default=10, gt=0, le=3600, description="how often lost shards are looked for"
    )
    leaderboard_closing_seconds: float = Field(
        default=600, gt=0, le=86_400, description="how often boards are closed if their time has come"
    )
    recalculation_quiet_seconds: float = Field(
        default=60,
        gt=0,
        le=86_400,
        description="after how long without any progress a job's messages are taken for lost",
    )
    session_address: Addresses = Field(
        description="the session service, whose events facts are compared with"
    )
    internal_token_file: SecretFile = Field(description="the secret that services show to each other")
    reconciliation_recent_seconds: float = Field(
        default=600,
        ge=0,
        le=7 * 86_400,
        description="how often facts of the last days are compared; 0 for neither that nor the nightly one",
    )
    reconciliation_nightly_hour: int = Field(
        default=3, ge=0, le=23, description="the hour, UTC, at which everybody's facts are compared"
    )
