"""The statements that read and write exercises."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog_service.adapters.db.statements import among, put_rows
from catalog_service.adapters.db.tables import exercises
from catalog_service.application.ports.contents import Exercises, LoadCounts
from catalog_service.domain.items import AnswerKey, Exercise, ExerciseContent
from catalog_service.domain.names import numbers_among

_COLUMNS = (
    exercises.c.exercise_id,
    exercises.c.prompt,
    exercises.c.cue,
    exercises.c.instruction,
    exercises.c.language,
    exercises.c.difficulty,
)
_number = exercises.c.exercise_id


class SqlExercises(Exercises):
    """Exercises in the catalog schema."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def answer_keys(self, ids: Collection[str]) -> Mapping[str, AnswerKey]:
        """Returns the answer keys of those that exist."""
        query = select(_number, exercises.c.accepted_answers, exercises.c.explanation)
        rows = await self._connection.execute(query.where(among(_number, numbers_among(ids))))
        return {str(row.exercise_id): AnswerKey(tuple(row.accepted_answers), row.explanation) for row in rows}

    async def get(self, exercise_id: int) -> Exercise | None:
        """Returns one exercise, None for an unknown number."""
        row = (await self._connection.execute(select(*_COLUMNS).where(_number == exercise_id))).first()
        return Exercise(*row) if row else None

    async def page(self, after: int, limit: int, difficulty: str) -> Sequence[Exercise]:
        """Returns up to `limit` exercises numbered above `after`; an empty difficulty means all of them."""
        query = select(*_COLUMNS).where(_number > after).order_by(_number).limit(limit)
        if difficulty:
            query = query.where(exercises.c.difficulty == difficulty)
        return [Exercise(*row) for row in await self._connection.execute(query)]

    async def put(self, contents: Sequence[ExerciseContent]) -> LoadCounts:
        """Creates or replaces exercises in one statement; rows that are the same are not written."""
        return await put_rows(self._connection, exercises, [_row(content) for content in contents])


def _row(content: ExerciseContent) -> dict[str, object]:
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
