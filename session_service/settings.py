"""What the session service and its relay read from the environment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from pydantic import Field

from service_kit.grpc.concurrency import ConcurrencyLimit, ConcurrencyLimits
from service_kit.setting_types import Addresses, LogLevel, PostgresUrl, RedisUrl, SecretFile
from service_kit.settings import (
    DownloadSettings,
    PlatformSettings,
    RevocationSettings,
    ServiceSettings,
    WatchSettings,
)
from service_kit.turns import Turns
from session_service.application.account_limits import Pace, Quotas
from session_service.application.ports.rate_limits import RateLimit


class OutboxSettings(PlatformSettings):
    """How hard the outbox tries."""

    outbox_first_wait_seconds: float = Field(
        default=5.0, gt=0, le=3600, description="until the relay asks whether a fresh event was applied"
    )


class PortalSettings(PlatformSettings):
    """The portal's limits for each user, and how long it may remember answers."""

    portal_starts_per_hour: int = Field(
        default=30, ge=1, le=1_000_000, description="the most portal sessions a learner starts in an hour"
    )
    portal_progress_updates_per_minute: int = Field(
        default=120, ge=1, le=1_000_000, description="the most portal answers a learner gives in a minute"
    )
    portal_completions_per_hour: int = Field(
        default=30, ge=1, le=1_000_000, description="the most portal sessions a learner completes in an hour"
    )
    portal_history_cache_seconds: int = Field(
        default=300, ge=1, le=86_400, description="how long the portal may tell a history again"
    )
    portal_details_cache_seconds: int = Field(
        default=60, ge=1, le=86_400, description="how long the portal may tell a session again"
    )

    def pace_of_portal(self) -> Pace:
        """Returns how often a learner may do what in the portal, by whichever way.

        A device that was away for a day may hand in at once what it could have started in it.
        """
        starts = self.portal_starts_per_hour
        return Pace(
            RateLimit("portal:starts", starts, _HOUR, "Too many session starts"),
            RateLimit(
                "portal:updates",
                self.portal_progress_updates_per_minute,
                _MINUTE,
                "Too many progress updates",
            ),
            RateLimit(
                "portal:completions", self.portal_completions_per_hour, _HOUR, "Too many session completions"
            ),
            RateLimit("portal:synced", starts * 24, _DAY, "Too many synced sessions"),
        )


_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class QuotaSettings(PlatformSettings):
    """What one account gets, in whatever product."""

    quota_sessions_per_day: int = Field(
        default=3000, ge=1, le=1_000_000, description="the most sessions an account starts in 24 hours"
    )
    quota_synced_sessions_per_day: int = Field(
        default=4000, ge=1, le=1_000_000, description="the most sessions an account syncs in 24 hours"
    )
    quota_open_sessions: int = Field(
        default=1000, ge=1, le=1_000_000, description="the most open sessions of an account"
    )
    quota_conversation_mib: int = Field(
        default=64, ge=1, le=100_000, description="how much an account's conversations take together"
    )

    def quotas(self) -> Quotas:
        """Returns what one account gets."""
        return Quotas(
            RateLimit(
                "sessions", self.quota_sessions_per_day, _DAY, "Too many sessions in a day", quota=True
            ),
            RateLimit(
                "synced_sessions",
                self.quota_synced_sessions_per_day,
                _DAY,
                "Too many synced sessions in a day",
                quota=True,
            ),
            self.quota_open_sessions,
            self.quota_conversation_mib * 1024 * 1024,
        )


_SESSIONS = "/practice.session.v1.SessionService"
_DESIGN = "/practice.products.design.v1.DesignSessionsService"
# Those that are server-sent events.
EVENTS = (f"{_SESSIONS}/WatchSessionAsEvents",)
_WATCHES = (f"{_SESSIONS}/WatchSession", *EVENTS)
_LIVE = ("/practice.products.portal.v1.PortalLiveService/WatchSession",)
# Each carries many of those: a bridge has one or a few.
_SHARED, _MOST_SHARED = ("/practice.products.portal.v1.PortalLiveService/ListenToSessions",), 100
# The second is a part of what a learner downloads from the identity service.
_DOWNLOADS = (f"{_DESIGN}/ListMySessions", "/practice.privacy.v1.PersonalDataService/ExportPersonalData")
# What brings or fetches up to some mebibytes.
_DOCUMENTS = (
    *(f"{_SESSIONS}/{method}" for method in ("SaveDraft", "GetDraft", "ListMessages")),
    *(
        f"/practice.session.v1.SubmissionService/{method}"
        for method in ("CreateSubmission", "SubmitSession", "GetSubmission", "UpdateSubmission")
    ),
    *(f"/practice.session.v1.SyncService/{method}" for method in ("SyncSessions", "SyncSessionsJson")),
    *(
        f"{_DESIGN}/{method}"
        for method in (
            *("OpenSession", "GetActiveSession", "GetSession", "AutosaveSession", "AddSessionMessage"),
            *("PauseSession", "ResumeSession"),
            *("CreateSubmission", "SubmitSession", "GetSubmissionForProblem", "GetSubmission"),
            *("UpdateSubmission", "AddSubmissionMessage"),
        )
    ),
)


class CrowdSettings(DownloadSettings, WatchSettings):
    """How much may be under way at once, of everybody together and of one account."""

    max_live: int = Field(
        default=2_000, ge=1, le=10_000, description="sessions the bridge listens to at once"
    )
    max_live_per_user: int = Field(
        default=10, ge=1, le=100, description="the most live connections of one account"
    )
    max_documents: int = Field(
        default=150, ge=1, le=1000, description="calls at once that bring or fetch drawings, texts or syncs"
    )
    max_documents_per_user: int = Field(
        default=6, ge=1, le=100, description="the most calls for documents at once of one account"
    )
    max_waiting_documents: int = Field(
        default=32, ge=1, le=1000, description="documents that wait for their turn to be read"
    )

    def kinds(self) -> Sequence[tuple[ConcurrencyLimit, Sequence[str]]]:
        """Returns the kinds of calls that are counted for themselves, each with its methods."""
        return (
            (self.watch_limit(), _WATCHES),
            (ConcurrencyLimit("live connections", self.max_live, self.max_live_per_user), _LIVE),
            (ConcurrencyLimit("shared streams", _MOST_SHARED, _MOST_SHARED), _SHARED),
            (self.download_limit(Turns()), _DOWNLOADS),
            (
                ConcurrencyLimit("documents", self.max_documents, self.max_documents_per_user, retry_after=1),
                _DOCUMENTS,
            ),
        )


class SessionSettings(
    ServiceSettings, RevocationSettings, OutboxSettings, PortalSettings, QuotaSettings, CrowdSettings
):
    """The gRPC server's settings."""

    redis_url: RedisUrl = Field(description="Redis: the portal's limits and caches, and the task queue")
    catalog_address: Addresses = Field(description="the catalog service")
    stats_address: Addresses = Field(description="the stats service")
    sync_max_age_days: int = Field(
        default=30, ge=1, le=3650, description="how long ago what a device syncs may have begun"
    )

    def limits(self) -> ConcurrencyLimits:
        """Returns how many calls may be under way at once."""
        return ConcurrencyLimits.of(self.call_limit(), *self.kinds())


class RelaySettings(OutboxSettings):
    """The relay's settings."""

    database_url: PostgresUrl = Field(description="the database")
    redis_url: RedisUrl = Field(description="Redis: the task queue")
    stats_address: Addresses = Field(description="the stats service")
    internal_token_file: SecretFile = Field(description="the secret that services show to each other")
    log_level: LogLevel = Field(default="INFO", description="what is logged: this and everything graver")
    relay_interval_seconds: float = Field(
        default=0.5, gt=0, le=60, description="the relay's pause after an idle round"
    )
    relay_lease_seconds: float = Field(
        default=30.0, gt=0, le=3600, description="how long a round keeps other relays off its events"
    )
    journal_days: int = Field(
        default=7,
        ge=1,
        le=3650,
        description="days until the changes of an ended session are forgotten, which only watchers read",
    )
    heartbeat_file: Path | None = Field(default=None, description="touched after each round of work")
