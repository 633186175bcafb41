"""Publishes badge definitions in tests."""

from __future__ import annotations

from typing import Any

from service_kit.db.engines import open_async_engine
from stats_service.adapters.cel.conditions import compile_condition
from stats_service.adapters.db.badges import open_badge_publication
from stats_service.application.badge_commands import LoadBadgeDefinitions, Loaded
from stats_service.domain.badges import BadgeContent


class Requests:
    """Counts the backfills asked for."""

    def __init__(self) -> None:
        self.count = 0

    async def request(self) -> None:
        self.count += 1


def badge(badge_id: str, threshold: int, metric: str = "sessions", **changes: Any) -> BadgeContent:
    """Returns a badge for so much in its product."""
    product = changes.get("product", "focus")
    fields: dict[str, Any] = {
        "name": badge_id.title(),
        "description": f"Reach {threshold} {metric}.",
        "icon": "🌱",
        "product": product,
        "condition": f"{'total' if product == 'all' else product}.{metric} >= {threshold}",
    }
    return BadgeContent(badge_id=badge_id, **{**fields, **changes})


async def publish(database_url: str, *badges: BadgeContent, requests: Requests | None = None) -> Loaded:
    """Loads definitions as the gRPC server does."""
    engine = open_async_engine(database_url, pool_size=1, application="test")
    try:
        publication = open_badge_publication(engine)
        return await LoadBadgeDefinitions(publication, requests or Requests(), compile_condition)(badges)
    finally:
        await engine.dispose()
