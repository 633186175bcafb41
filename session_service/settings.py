"""What the session service and its relay read from the environment."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from service_kit.settings import ServiceSettings


class OutboxSettings(BaseSettings):
    """How hard the outbox tries."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    outbox_first_wait_seconds: float = Field(
        default=5.0, gt=0, description="until the relay asks whether a fresh event was applied"
    )


class PortalSettings(BaseSettings):
    """The portal's limits for each user, and how long it may remember answers."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    portal_starts_per_hour: int = Field(default=30, ge=1)
    portal_progress_updates_per_minute: int = Field(default=120, ge=1)
    portal_completions_per_hour: int = Field(default=30, ge=1)
    portal_history_cache_seconds: int = Field(default=300, ge=1)
    portal_details_cache_seconds: int = Field(default=60, ge=1)


class SessionSettings(ServiceSettings, OutboxSettings, PortalSettings):
    """The gRPC server's settings."""

    redis_url: str
    catalog_address: str
    stats_address: str
    sync_max_age_days: int = Field(
        default=30, ge=1, le=3650, description="how long ago what a device syncs may have begun"
    )


class RelaySettings(OutboxSettings):
    """The relay's settings."""

    database_url: str
    redis_url: str
    stats_address: str
    internal_token_file: Path
    log_level: str = "INFO"
    relay_interval_seconds: float = Field(default=0.5, gt=0, description="pause after an idle round")
    relay_lease_seconds: float = Field(
        default=30.0, gt=0, description="how long a round keeps other relays off its events"
    )
    heartbeat_file: Path | None = Field(default=None, description="touched after each round")
