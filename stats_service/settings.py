"""The settings of the stats service's two processes."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from service_kit.settings import ServiceSettings


class Settings(ServiceSettings):
    """What the gRPC server needs."""

    redis_url: str = Field(description="redis://... of the task queue, to ask for backfills")
    session_address: str = Field(description="host:port of the service that remembers users' zones")
    wait_seconds: float = Field(
        default=0.8, ge=0, description="how long a read waits for the completion it names"
    )


class WorkerSettings(BaseSettings):
    """What the worker needs."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    database_url: str = Field(description="postgresql://user:password@host:port/database")
    redis_url: str = Field(description="redis://... of the task queue")
    log_level: str = "INFO"
    watchdog_seconds: float = Field(default=3.0, gt=0, description="how often the worker looks at itself")
    heartbeat_file: Path | None = Field(
        default=None, description="touched at every look that finds the worker consuming"
    )
