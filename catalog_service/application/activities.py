"""Shows, lists and loads activities and their words."""

from __future__ import annotations

from collections.abc import Sequence, Set

from catalog_service.application.ports.contents import LoadCounts
from catalog_service.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from catalog_service.domain.contents import ActivityContent, CountedActivity
from catalog_service.domain.errors import ContentNotFoundError, FieldInvalidError, refuse_duplicates
from catalog_service.domain.items import ContentItem
from catalog_service.domain.names import numbers_among, parse_names
from service_kit.paging import Page, PageRequest


class GetActivity:
    """Returns an activity without its words."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, activity_id: int) -> CountedActivity:
        """Raises ContentNotFoundError for an unknown number."""
        async with self._units() as unit:
            activity = await unit.activities.get(activity_id)
        if activity is None:
            raise ContentNotFoundError(f"activities/{activity_id}")
        return activity


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


class ListContentItems:
    """Returns the items of an activity in their author's order, without their answers."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, content: str) -> Sequence[ContentItem]:
        """Raises ContentNotFoundError for what is no activity: every activity has an item."""
        items: Sequence[ContentItem] = ()
        async with self._units() as unit:
            for name in parse_names([content]):
                for number in numbers_among([name.id]) if name.kind == "activities" else ():
                    items = await unit.words.items(number)
        if not items:
            raise ContentNotFoundError(content)
        return items


class LoadActivities:
    """Creates or replaces activities with their words, all or none. Loading the same again changes nothing.

    A word that its activity has no longer is withdrawn: it is not listed any
    more, and sessions that hold it can still have it graded. A word may go to
    another activity only when its old one is loaded without it.
    """

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, contents: Sequence[ActivityContent]) -> LoadCounts:
        """Raises FieldInvalidError when a number or a word comes twice, or a word is another activity's."""
        numbers = [content.activity.activity_id for content in contents]
        refuse_duplicates("Activity", numbers, field="activities.activity_id")
        word_ids = [word.word_id for content in contents for word in content.words]
        refuse_duplicates("Word", word_ids, field="activities.words.word_id")
        async with self._units() as unit:
            # Two at once could otherwise give one word to two activities.
            await unit.wait_for_other_loads()
            await _refuse_words_of_others(unit, word_ids, frozenset(numbers))
            before = await unit.activities.with_words(numbers)
            changed = [content for content in contents if before.get(content.activity.activity_id) != content]
            if changed:
                await unit.activities.put([content.activity for content in changed])
                await unit.words.put(changed)
            await unit.commit()
        created = len(contents) - len(before)
        return LoadCounts(created, len(changed) - created, len(contents) - len(changed))


async def _refuse_words_of_others(unit: UnitOfWork, word_ids: Sequence[str], loaded: Set[int]) -> None:
    for word_id, holder in (await unit.words.activities_of(word_ids)).items():
        if holder not in loaded:
            raise FieldInvalidError(
                f"Word {word_id} belongs to activity {holder}",
                field="activities.words.word_id",
                rule="unique",
            )
