"""Settings that every process reads once, at its start, from the environment.

Secrets come from files whose paths are settings, never from a default. What a
setting takes is in its type and its bounds, and what it means in its
description: the messages about wrong ones and docs/settings.md are made of them.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from service_kit.grpc.concurrency import ConcurrencyLimit, ConcurrencyLimits
from service_kit.grpc.streams import Pace
from service_kit.setting_types import Address, AddressesIfAny, KeysUri, LogLevel, PostgresUrl, SecretFile
from service_kit.turns import Turns


class PlatformSettings(BaseSettings):
    """The settings of a process: `service_kit.setting_faults.read_settings` reads them."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class MigrationSettings(PlatformSettings):
    """Where the schemas are that are brought up to date."""

    database_url: PostgresUrl = Field(description="the database")
    cell: int = Field(
        default=0, ge=0, le=511, description="the cell whose numbers new rows of a new database get"
    )


class ServiceSettings(PlatformSettings):
    """What each gRPC service needs; services extend it with their own."""

    listen: Address = Field(description="where the gRPC server listens")
    database_url: PostgresUrl = Field(description="the database")
    jwks_uri: KeysUri = Field(description="the keys that verify access tokens")
    jwt_issuer: str = Field(
        default="practice", min_length=1, description="who makes access tokens, as it stands in them"
    )
    jwt_access_token_expire_hours: float = Field(
        default=24, gt=0, le=24 * 366, description="how long access tokens live; longer ones are refused"
    )
    internal_token_file: SecretFile = Field(description="the secret that services show to each other")
    log_level: LogLevel = Field(default="INFO", description="what is logged: this and everything graver")
    database_pool_size: int = Field(
        default=10,
        ge=1,
        le=100,
        description="the most connections to the database a process has open; a stack's of one service share",
    )
    max_concurrent_rpcs: int = Field(
        default=500,
        ge=1,
        le=100_000,
        description="the most calls under way at once in a service, without streams and health checks",
    )
    max_concurrent_rpcs_per_user: int = Field(
        default=100, ge=1, le=100_000, description="the most of those for one account"
    )
    stream_stall_seconds: float = Field(
        default=60.0, gt=0, le=3600, description="how long a client may leave a piece of a stream unread"
    )
    stream_check_seconds: float = Field(
        default=2.0, gt=0, le=60, description="how often an open stream's token is looked at again"
    )
    stream_quiet_seconds: float = Field(
        default=15.0, gt=0, le=3600, description="how long a stream of events says nothing at most"
    )
    max_deadline_seconds: float = Field(
        default=15.0, gt=0, le=3600, description="how long a call may take, whatever its caller allows"
    )
    grpc_reflection: bool = Field(
        default=False, description="whether a service tells gRPC clients which services and methods it has"
    )
    shutdown_grace_seconds: float = Field(
        default=10.0, ge=0, le=3600, description="how long calls under way may go on when a process is ended"
    )

    @property
    def access_lifetime(self) -> timedelta:
        """How long an access token is valid at most."""
        return timedelta(hours=self.jwt_access_token_expire_hours)

    def call_limit(self) -> ConcurrencyLimit:
        """Returns the limit of the calls that have none of their own kind."""
        return ConcurrencyLimit(
            "calls", self.max_concurrent_rpcs, self.max_concurrent_rpcs_per_user, retry_after=1
        )

    def limits(self) -> ConcurrencyLimits:
        """Returns how many calls may be under way at once."""
        return ConcurrencyLimits(self.call_limit())

    def pace(self) -> Pace:
        """Returns how patient streams are."""
        return Pace(self.stream_stall_seconds, self.stream_check_seconds, self.stream_quiet_seconds)

    def internal_token(self) -> str:
        """Returns the secret of service-to-service calls. Raises OSError when its file is missing."""
        return read_secret(self.internal_token_file)


def read_secret(path: Path) -> str:
    """Returns a secret file's text without surrounding white space.

    Raises ValueError when the file is empty: an empty secret guards nothing.
    """
    secret = path.read_text(encoding="utf-8").strip()
    if not secret:
        raise ValueError(f"secret file {path} is empty")
    return secret


class RevocationSettings(PlatformSettings):
    """For services that hear of access tokens which were ended."""

    identity_address: AddressesIfAny = Field(
        default="", description="the identity service, which tells what tokens were ended; nobody when empty"
    )


class DownloadSettings(PlatformSettings):
    """For services from which users download what there is of them."""

    max_downloads: int = Field(default=40, ge=1, le=1000, description="downloads under way at once")
    max_downloads_per_user: int = Field(
        default=2, ge=1, le=100, description="the most downloads at once of one account"
    )

    def download_limit(self, turns: Turns | None = None) -> ConcurrencyLimit:
        """Returns the limit of downloads, whose pieces are made in turns where that holds the event loop."""
        return ConcurrencyLimit("downloads", self.max_downloads, self.max_downloads_per_user, turns=turns)


class WatchSettings(PlatformSettings):
    """For services that tell of changes as they happen."""

    max_watches: int = Field(
        default=600, ge=1, le=10_000, description="the most watches of sessions, or of statistics, at once"
    )
    max_watches_per_user: int = Field(
        default=10, ge=1, le=100, description="the most of those of one account"
    )
    watch_look_seconds: float = Field(
        default=5.0,
        gt=0,
        le=60,
        description="how often all that is watched is looked at; ten times as often without Redis",
    )

    def watch_limit(self) -> ConcurrencyLimit:
        """Returns the limit of watches."""
        return ConcurrencyLimit("watches", self.max_watches, self.max_watches_per_user)
