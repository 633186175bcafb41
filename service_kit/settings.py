"""Settings that every service reads once, at its start, from the environment.

Secrets come from files whose paths are settings, never from a default.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """What each gRPC service needs; services extend it with their own."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    listen: str = Field(description="host:port of the gRPC server")
    database_url: str = Field(description="postgresql://user:password@host:port/database")
    jwks_uri: str = Field(description="file:// or https:// address of the keys that verify access tokens")
    jwt_issuer: str = "practice"
    internal_token_file: Path = Field(description="secret that services show to each other")
    log_level: str = "INFO"
    database_pool_size: int = Field(default=10, ge=1, le=100)
    max_concurrent_rpcs: int = Field(default=500, ge=1)
    max_deadline_seconds: float = Field(default=15.0, gt=0)
    shutdown_grace_seconds: float = Field(default=10.0, ge=0)

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
