"""What the bridge reads from the environment, once, at its start."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.settings import listed


class BridgeSettings(BaseSettings):
    """Where the bridge listens, whom it asks, and how much it takes on."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    listen: str = Field(description="host:port of the WebSocket server")
    session_address: str = "127.0.0.1:50053"
    jwks_uri: str = Field(description="file:// or https:// address of the keys that verify access tokens")
    jwt_issuer: str = "practice"
    cors_origins: str = Field(default="*", description="comma-separated origins of web pages, or *")
    log_level: str = "INFO"
    shutdown_grace_seconds: float = Field(default=10.0, ge=0)

    bridge_tick_seconds: float = Field(default=1.0, gt=0, description="between two time updates")
    bridge_open_seconds: float = Field(
        default=5.0, gt=0, description="how long a handshake waits for the session"
    )
    bridge_ping_seconds: float = Field(
        default=20.0, gt=0, description="between two pings, and how long a pong may take"
    )
    bridge_send_seconds: float = Field(
        default=10.0, gt=0, description="how long a client may leave a full buffer unread"
    )
    bridge_send_buffer_kib: int = Field(
        default=64, ge=1, description="what waits in the system for a client, besides 16 KiB of our own"
    )
    # Each holds a call at the session service, which takes 500 at once.
    bridge_max_connections: int = Field(default=300, ge=1)
    bridge_max_connections_per_user: int = Field(default=10, ge=1)

    def allows(self, origin: str) -> bool:
        """Tells whether a web page of this origin may connect."""
        return not {"*", origin}.isdisjoint(listed(self.cors_origins))
