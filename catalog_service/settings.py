"""The catalog's settings."""

from __future__ import annotations

from service_kit.settings import ServiceSettings


class Settings(ServiceSettings):
    """What every service needs; the catalog needs nothing more."""
