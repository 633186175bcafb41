"""The statements that read and write activities and their words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog_service.adapters.db.statements import among, put_rows
from catalog_service.adapters.db.tables import activities, words
from catalog_service.application.ports.contents import Activities, Words
from catalog_service.domain.contents import Activity, ActivityContent, Content, CountedActivity
from catalog_service.domain.items import AnswerKey, ContentItem, Word

_ACTIVITY = (
    activities.c.activity_id,
    activities.c.title,
    activities.c.type,
    activities.c.language,
    activities.c.translation_language,
)
_WORD = (words.c.word_id, words.c.word, words.c.translations, words.c.difficulties)
_WORD_CONTENT = ("activity_id", "position", "word", "translations", "difficulties")
_number = activities.c.activity_id
_listed = words.c.withdrawn_at.is_(None)
_word_count = (
    select(func.count())
    .where(words.c.activity_id == _number, _listed)
    .correlate(activities)
    .scalar_subquery()
)


class SqlActivities(Activities):
    """Activities in the catalog schema."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def contents(self, numbers: Collection[int]) -> Mapping[int, Content]:
        """Returns those that exist."""
        query = select(_number, activities.c.title, activities.c.type).where(among(_number, numbers))
        rows = await self._connection.execute(query)
        return {row.activity_id: Content(row.title, row.type) for row in rows}

    async def get(self, activity_id: int) -> CountedActivity | None:
        """Returns one activity, None for an unknown number."""
        query = select(*_ACTIVITY, _word_count).where(_number == activity_id)
        row = (await self._connection.execute(query)).first()
        return _counted_activity(row) if row else None

    async def page(self, after: int, limit: int) -> Sequence[CountedActivity]:
        """Returns up to `limit` activities numbered above `after`."""
        query = select(*_ACTIVITY, _word_count).where(_number > after).order_by(_number).limit(limit)
        return [_counted_activity(row) for row in await self._connection.execute(query)]

    async def with_words(self, numbers: Collection[int]) -> Mapping[int, ActivityContent]:
        """Returns those that exist, with the words that are not withdrawn."""
        query = select(words.c.activity_id, *_WORD).where(among(words.c.activity_id, numbers), _listed)
        by_activity: dict[int, list[Word]] = defaultdict(list)
        for row in await self._connection.execute(query.order_by(words.c.position)):
            by_activity[row.activity_id].append(
                Word(row.word_id, row.word, tuple(row.translations), tuple(row.difficulties))
            )
        rows = await self._connection.execute(select(*_ACTIVITY).where(among(_number, numbers)))
        return {
            row.activity_id: ActivityContent(Activity(*row), tuple(by_activity[row.activity_id]))
            for row in rows
        }

    async def put(self, new: Sequence[Activity]) -> None:
        """Creates or replaces activities without their words."""
        await put_rows(self._connection, activities, [asdict(activity) for activity in new])


class SqlWords(Words):
    """Words in the catalog schema."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def answer_keys(self, ids: Collection[str]) -> Mapping[str, AnswerKey]:
        """Returns the answer keys of those that exist, withdrawn or not."""
        query = select(words.c.word_id, words.c.translations).where(among(words.c.word_id, ids))
        rows = await self._connection.execute(query)
        return {row.word_id: AnswerKey(tuple(row.translations), "") for row in rows}

    async def items(self, activity_id: int) -> Sequence[ContentItem]:
        """Returns the words of an activity in their author's order, none for an unknown number."""
        query = (
            select(words.c.word_id, words.c.word, words.c.difficulties)
            .where(words.c.activity_id == activity_id, _listed)
            .order_by(words.c.position)
        )
        rows = await self._connection.execute(query)
        return [ContentItem(f"words/{row.word_id}", row.word, tuple(row.difficulties)) for row in rows]

    async def activities_of(self, word_ids: Collection[str]) -> Mapping[str, int]:
        """Returns the activity of each of the words that is not withdrawn."""
        query = select(words.c.word_id, words.c.activity_id).where(among(words.c.word_id, word_ids), _listed)
        rows = await self._connection.execute(query)
        return {row.word_id: row.activity_id for row in rows}

    async def put(self, contents: Sequence[ActivityContent]) -> None:
        """Makes these the words of their activities and withdraws the ones they had before."""
        numbers = [content.activity.activity_id for content in contents]
        had = among(words.c.activity_id, numbers)
        await self._connection.execute(update(words).where(had, _listed).values(withdrawn_at=func.now()))
        statement = insert(words)
        changed = {name: statement.excluded[name] for name in _WORD_CONTENT}
        await self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=[words.c.word_id], set_={**changed, "withdrawn_at": None}
            ),
            [row for content in contents for row in _rows(content)],
        )


def _rows(content: ActivityContent) -> list[dict[str, Any]]:
    number = content.activity.activity_id
    return [
        {
            "word_id": word.word_id,
            "activity_id": number,
            "position": position,
            "word": word.word,
            "translations": list(word.translations),
            "difficulties": list(word.difficulties),
        }
        for position, word in enumerate(content.words)
    ]


def _counted_activity(row: Any) -> CountedActivity:
    *fields, word_count = row
    return CountedActivity(Activity(*fields), word_count)
