"""What the bridge reads from the environment, once, at its start."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from gateway.bridge.admission import Places
from gateway.settings import listed
from service_kit.setting_types import Address, Addresses, KeysUri, LogLevel, Origins
from service_kit.settings import PlatformSettings


class BridgeSettings(PlatformSettings):
    """Where the bridge listens, whom it asks, and how much it takes on."""

    listen: Address = Field(description="where the WebSocket server listens")
    session_address: Addresses = Field(default="127.0.0.1:50053", description="the session service")
    jwks_uri: KeysUri = Field(description="the keys that verify access tokens")
    jwt_issuer: str = Field(
        default="practice", min_length=1, description="who makes access tokens, as it stands in them"
    )
    jwt_access_token_expire_hours: float = Field(
        default=24, gt=0, le=24 * 366, description="how long access tokens live; longer ones are refused"
    )
    cors_origins: Origins = Field(description="the web pages that may call; a stack here takes all")
    log_level: LogLevel = Field(default="INFO", description="what is logged: this and everything graver")
    shutdown_grace_seconds: float = Field(
        default=10.0, ge=0, le=3600, description="how long calls under way may go on when a process is ended"
    )

    bridge_tick_seconds: float = Field(default=1.0, gt=0, le=3600, description="between two time updates")
    bridge_open_seconds: float = Field(
        default=5.0, gt=0, le=60, description="how long a handshake waits for the session"
    )
    bridge_ping_seconds: float = Field(
        default=20.0, gt=0, le=3600, description="between two pings, and how long a pong may take"
    )
    bridge_send_seconds: float = Field(
        default=10.0, gt=0, le=3600, description="how long a client may leave a full buffer unread"
    )
    bridge_send_buffer_kib: int = Field(
        default=64,
        ge=1,
        le=1_048_576,
        description="what waits in the system for a client, besides 16 KiB of our own",
    )
    # Each is a file here and a live watch at the session service, which has places for as many.
    bridge_max_connections: int = Field(
        default=2_000, ge=1, le=10_000, description="the most watchers at once"
    )
    bridge_max_connections_per_user: int = Field(
        default=3, ge=1, le=100_000, description="the most watchers of one learner at once"
    )
    bridge_max_connections_per_address: int = Field(
        default=100, ge=1, le=100_000, description="the most watchers from one network address at once"
    )

    def places(self) -> Places:
        """Returns how many may listen at once."""
        return Places(
            self.bridge_max_connections,
            self.bridge_max_connections_per_user,
            self.bridge_max_connections_per_address,
        )

    @property
    def access_lifetime(self) -> timedelta:
        """How long an access token is valid at most."""
        return timedelta(hours=self.jwt_access_token_expire_hours)

    def allows(self, origin: str) -> bool:
        """Tells whether a web page of this origin may connect."""
        return not {"*", origin}.isdisjoint(listed(self.cors_origins))
