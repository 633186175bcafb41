"""Identity's settings."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pydantic import Field, field_validator

from identity_service.domain.attempts import AttemptLimit, FailureLimits
from service_kit.grpc.concurrency import ConcurrencyLimit, ConcurrencyLimits
from service_kit.setting_types import Addresses, SecretFile
from service_kit.settings import DownloadSettings, ServiceSettings

EXPORT = "/practice.identity.v1.PrivacyService/ExportMyData"
_ACCOUNTS = ("/practice.identity.v1.IdentityService", "/practice.products.design.v1.DesignUsersService")
# Of strangers, of whom there are many: none of them takes a slot that somebody with a token needs.
SIGN_UPS = tuple(f"{service}/SignUp" for service in _ACCOUNTS)
LOG_INS = tuple(f"{service}/LogIn" for service in _ACCOUNTS)


class Settings(ServiceSettings, DownloadSettings):
    """What every service needs, and how tokens are made and guesses limited."""

    signing_key_file: SecretFile = Field(description="PEM of the Ed25519 key that signs access tokens")
    session_address: Addresses = Field(description="the session service, which remembers users' zones")
    catalog_address: Addresses = Field(description="the catalog service, which keeps what users wrote")
    stats_address: Addresses = Field(description="the stats service, which keeps users' progress")
    jwt_refresh_token_expire_days: float = Field(
        default=7, gt=0, le=3660, description="how long a refresh token is valid"
    )
    log_in_failures_per_account_and_address: int = Field(
        default=10,
        ge=1,
        le=1_000,
        description="wrong passwords for an account from one address, or in its sessions",
    )
    log_in_failures_per_account: int = Field(
        default=100, ge=1, le=10_000, description="wrong passwords for an account from all addresses"
    )
    log_in_failure_window_seconds: float = Field(
        default=15 * 60, gt=0, le=7 * 86_400, description="the window of wrong passwords"
    )
    log_in_attempts_per_address: int = Field(
        default=300, ge=1, le=100_000, description="the most log-ins that a network address tries in a window"
    )
    log_in_attempt_window_seconds: float = Field(
        default=60, gt=0, le=7 * 86_400, description="the window of log-ins of a network address"
    )
    sign_up_attempts_per_address: int = Field(
        default=300,
        ge=1,
        le=100_000,
        description="the most sign-ups that an address tries in a window",
    )
    sign_up_attempt_window_seconds: float = Field(
        default=60, gt=0, le=7 * 86_400, description="the window of sign-ups of a network address"
    )
    password_calls_waiting: int = Field(
        default=64,
        ge=1,
        le=10_000,
        description="log-ins that wait for their password to be hashed, and as many sign-ups",
    )
    password_calls_waiting_per_address: int = Field(
        default=32, ge=1, le=10_000, description="of them from one address"
    )
    password_memory_kib: int = Field(
        default=19 * 1024,
        ge=8,
        le=1024 * 1024,
        description="the memory that hashing a password takes, in KiB; less than the default is for tests",
    )
    housekeeping_seconds: float = Field(
        default=600, gt=0, le=86_400, description="how often expired rows are deleted"
    )

    erasure_retry_seconds: float = Field(
        default=5,
        gt=0,
        le=86_400,
        description="how often services are asked that have not forgotten a user yet",
    )

    @field_validator("jwks_uri")
    @classmethod
    def _is_a_file(cls, uri: str) -> str:
        if urlsplit(uri).scheme != "file":
            raise ValueError("the service that publishes the keys reads them from a file:// address")
        return uri

    def limits(self) -> ConcurrencyLimits:
        """Returns how many calls may be under way at once."""
        return ConcurrencyLimits.of(
            self.call_limit(),
            (self.download_limit(), [EXPORT]),
            (self._strangers("sign-ups"), SIGN_UPS),
            (self._strangers("log-ins"), LOG_INS),
        )

    def _strangers(self, what: str) -> ConcurrencyLimit:
        return ConcurrencyLimit(what, self.max_concurrent_rpcs, self.max_concurrent_rpcs, retry_after=1)

    @property
    def jwks_file(self) -> Path:
        """The JWK set to publish."""
        return Path(url2pathname(urlsplit(self.jwks_uri).path))

    @property
    def refresh_lifetime(self) -> timedelta:
        """How long a refresh token is valid."""
        return timedelta(days=self.jwt_refresh_token_expire_days)

    @property
    def failure_limits(self) -> FailureLimits:
        """How many wrong passwords are judged."""
        window = timedelta(seconds=self.log_in_failure_window_seconds)
        return FailureLimits(
            together=AttemptLimit(self.log_in_failures_per_account_and_address, window),
            account=AttemptLimit(self.log_in_failures_per_account, window),
        )

    @property
    def log_ins_per_address(self) -> AttemptLimit:
        """How many log-ins a network address may try."""
        return AttemptLimit(
            self.log_in_attempts_per_address, timedelta(seconds=self.log_in_attempt_window_seconds)
        )

    @property
    def sign_ups_per_address(self) -> AttemptLimit:
        """How many sign-ups a network address may try."""
        return AttemptLimit(
            self.sign_up_attempts_per_address, timedelta(seconds=self.sign_up_attempt_window_seconds)
        )
