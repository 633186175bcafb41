"""Finds a piece of content in the catalog."""

from __future__ import annotations

from session_service.application.ports.catalog import Catalog, Content


async def find_content(catalog: Catalog, name: str, second: int | None = None) -> Content | None:
    """Returns the content, None when there is none or it was not made in the Unix second given."""
    known = await catalog.content(name)
    if known is None or second is None:
        return known
    made = known.created_at
    return known if made is not None and int(made.timestamp()) == second else None
