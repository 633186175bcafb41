"""Lists activities page by page."""

from __future__ import annotations

from catalog_service.application.ports import UnitOfWorkFactory
from catalog_service.domain.contents import CountedActivity
from service_kit.paging import Page, PageRequest


class ListActivities:
    """Returns the activities after a page token, by number."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, *, page_size: int, page_token: str) -> Page[CountedActivity]:
        """A size of 0 means 20. Raises InvalidArgumentError, PAGE_TOKEN_INVALID."""
        page = PageRequest("ListActivities", page_size, page_token)
        after = page.number() or 0
        async with self._units() as unit:
            return await page.fill(
                lambda limit: unit.activities.page(after, limit),
                lambda counted: counted.activity.activity_id,
            )
