"""The statements that read and write exercises, activities with their words, sequences and achievements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog_service.adapters.db.statements import among, put_rows
from catalog_service.adapters.db.tables import achievements, activities, exercises, sequences, words
from catalog_service.application.ports.contents import (
    Achievements,
    Activities,
    Exercises,
    LoadCounts,
    Sequences,
    Words,
)
from catalog_service.domain.contents import (
    Achievement,
    Activity,
    ActivityContent,
    Content,
    CountedActivity,
    Pose,
)
from catalog_service.domain.contents import Sequence as PoseSequence
from catalog_service.domain.items import AnswerKey, ContentItem, Exercise, ExerciseContent, Word
from catalog_service.domain.names import numbers_among

_EXERCISE_COLUMNS = (
    exercises.c.exercise_id,
    exercises.c.prompt,
    exercises.c.cue,
    exercises.c.instruction,
    exercises.c.language,
    exercises.c.difficulty,
)
_exercise_number = exercises.c.exercise_id
_ACTIVITY_COLUMNS = (
    activities.c.activity_id,
    activities.c.title,
    activities.c.type,
    activities.c.language,
    activities.c.translation_language,
)
_WORD_COLUMNS = (words.c.word_id, words.c.word, words.c.translations, words.c.difficulties)
_WORD_CONTENT = ("activity_id", "position", "word", "translations", "difficulties")
_activity_number = activities.c.activity_id
_listed = words.c.withdrawn_at.is_(None)
_word_count = (
    select(func.count())
    .where(words.c.activity_id == _activity_number, _listed)
    .correlate(activities)
    .scalar_subquery()
)
_SEQUENCE_COLUMNS = (
    sequences.c.sequence_id,
    sequences.c.title,
    sequences.c.description,
    sequences.c.difficulty,
    sequences.c.poses,
)
_sequence_number = sequences.c.sequence_id
_ACHIEVEMENT_COLUMNS = (
    achievements.c.achievement_id,
    achievements.c.product,
    achievements.c.type,
    achievements.c.title,
    achievements.c.description,
    achievements.c.metric,
    achievements.c.threshold,
)


class SqlExercises(Exercises):
    """Exercises in the catalog schema."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def answer_keys(self, ids: Collection[str]) -> Mapping[str, AnswerKey]:
        """Returns the answer keys of those that exist."""
        query = select(_exercise_number, exercises.c.accepted_answers, exercises.c.explanation)
        rows = await self._connection.execute(query.where(among(_exercise_number, numbers_among(ids))))
        return {str(row.exercise_id): AnswerKey(tuple(row.accepted_answers), row.explanation) for row in rows}

    async def get(self, exercise_id: int) -> Exercise | None:
        """Returns one exercise, None for an unknown number."""
        row = (
            await self._connection.execute(select(*_EXERCISE_COLUMNS).where(_exercise_number == exercise_id))
        ).first()
        return Exercise(*row) if row else None

    async def page(self, after: int, limit: int, difficulty: str) -> Sequence[Exercise]:
        """Returns up to `limit` exercises numbered above `after`; an empty difficulty means all of them."""
        query = (
            select(*_EXERCISE_COLUMNS).where(_exercise_number > after).order_by(_exercise_number).limit(limit)
        )
        if difficulty:
            query = query.where(exercises.c.difficulty == difficulty)
        return [Exercise(*row) for row in await self._connection.execute(query)]

    async def put(self, contents: Sequence[ExerciseContent]) -> LoadCounts:
        """Creates or replaces exercises in one statement; rows that are the same are not written."""
        return await put_rows(self._connection, exercises, [_exercise_row(content) for content in contents])


def _exercise_row(content: ExerciseContent) -> dict[str, object]:
    shown = content.exercise
    return {
        "exercise_id": shown.exercise_id,
        "prompt": shown.prompt,
        "cue": shown.cue,
        "instruction": shown.instruction,
        "language": shown.language,
        "difficulty": shown.difficulty,
        "accepted_answers": list(content.accepted_answers),
        "explanation": content.explanation,
    }


class SqlActivities(Activities):
    """Activities in the catalog schema."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def contents(self, numbers: Collection[int]) -> Mapping[int, Content]:
        """Returns those that exist."""
        query = select(_activity_number, activities.c.title, activities.c.type).where(
            among(_activity_number, numbers)
        )
        rows = await self._connection.execute(query)
        return {row.activity_id: Content(row.title, row.type) for row in rows}

    async def get(self, activity_id: int) -> CountedActivity | None:
        """Returns one activity, None for an unknown number."""
        query = select(*_ACTIVITY_COLUMNS, _word_count).where(_activity_number == activity_id)
        row = (await self._connection.execute(query)).first()
        return _counted_activity(row) if row else None

    async def page(self, after: int, limit: int) -> Sequence[CountedActivity]:
        """Returns up to `limit` activities numbered above `after`."""
        query = (
            select(*_ACTIVITY_COLUMNS, _word_count)
            .where(_activity_number > after)
            .order_by(_activity_number)
            .limit(limit)
        )
        return [_counted_activity(row) for row in await self._connection.execute(query)]

    async def with_words(self, numbers: Collection[int]) -> Mapping[int, ActivityContent]:
        """Returns those that exist, with the words that are not withdrawn."""
        query = select(words.c.activity_id, *_WORD_COLUMNS).where(
            among(words.c.activity_id, numbers), _listed
        )
        by_activity: dict[int, list[Word]] = defaultdict(list)
        for row in await self._connection.execute(query.order_by(words.c.position)):
            by_activity[row.activity_id].append(
                Word(row.word_id, row.word, tuple(row.translations), tuple(row.difficulties))
            )
        rows = await self._connection.execute(
            select(*_ACTIVITY_COLUMNS).where(among(_activity_number, numbers))
        )
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
            [row for content in contents for row in _word_rows(content)],
        )


def _word_rows(content: ActivityContent) -> list[dict[str, Any]]:
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


class SqlSequences(Sequences):
    """Sequences in the catalog schema."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def contents(self, numbers: Collection[int]) -> Mapping[int, Content]:
        """Returns those that exist."""
        query = select(_sequence_number, sequences.c.title).where(among(_sequence_number, numbers))
        return {row.sequence_id: Content(row.title) for row in await self._connection.execute(query)}

    async def get(self, sequence_id: int) -> PoseSequence | None:
        """Returns one sequence, None for an unknown number."""
        row = (
            await self._connection.execute(select(*_SEQUENCE_COLUMNS).where(_sequence_number == sequence_id))
        ).first()
        return _sequence(row) if row else None

    async def page(self, after: int, limit: int) -> Sequence[PoseSequence]:
        """Returns up to `limit` sequences numbered above `after`."""
        query = (
            select(*_SEQUENCE_COLUMNS).where(_sequence_number > after).order_by(_sequence_number).limit(limit)
        )
        return [_sequence(row) for row in await self._connection.execute(query)]

    async def put(self, new: Sequence[PoseSequence]) -> LoadCounts:
        """Creates or replaces sequences in one statement; rows that are the same are not written."""
        return await put_rows(self._connection, sequences, [asdict(sequence) for sequence in new])


def _sequence(row: Any) -> PoseSequence:
    return PoseSequence(
        row.sequence_id,
        row.title,
        row.description,
        row.difficulty,
        tuple(Pose(**pose) for pose in row.poses),
    )


class SqlAchievements(Achievements):
    """Achievements in the catalog schema."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def of_product(self, product: str) -> Sequence[Achievement]:
        """Returns a product's achievements by id."""
        query = select(*_ACHIEVEMENT_COLUMNS).where(achievements.c.product == product)
        rows = await self._connection.execute(query.order_by(achievements.c.achievement_id))
        return [Achievement(*row) for row in rows]

    async def put(self, new: Sequence[Achievement]) -> LoadCounts:
        """Creates or replaces achievements in one statement; rows that are the same are not written."""
        return await put_rows(self._connection, achievements, [asdict(achievement) for achievement in new])
