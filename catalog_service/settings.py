"""The catalog's settings."""

from __future__ import annotations

from pydantic import Field

from service_kit.setting_types import Addresses
from service_kit.settings import RevocationSettings, ServiceSettings


class Settings(ServiceSettings, RevocationSettings):
    """What every service needs, who remembers users' zones, and how often the catalog cleans up."""

    session_address: Addresses = Field(description="the session service, which remembers users' zones")
    housekeeping_seconds: float = Field(
        default=600, gt=0, le=86_400, description="how often expired rows are deleted"
    )
    quota_problems: int = Field(
        default=500, ge=1, le=1_000_000, description="the most problems of an account"
    )
