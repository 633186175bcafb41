"""The statements that read and write exercises."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import any_, bindparam, case, func, literal_column, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import BigInteger

from catalog_service.adapters.db.tables import exercises
from catalog_service.application.ports import AnswerKey, Exercise, ExerciseContent, LoadCounts

_SHOWN = (
    exercises.c.exercise_id,
    exercises.c.prompt,
    exercises.c.cue,
    exercises.c.instruction,
    exercises.c.language,
    exercises.c.difficulty,
)
_number = exercises.c.exercise_id
_CONTENT = [column.name for column in exercises.c if column.name not in ("exercise_id", "updated_at")]
_ASKED_FOR = _number == any_(bindparam("numbers", type_=ARRAY(BigInteger)))


class SqlExercises:
    """Exercises in the catalog schema."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def existing(self, numbers: Collection[int]) -> frozenset[int]:
        """Returns those of the numbers that exist."""
        found = await self._connection.scalars(select(_number).where(_ASKED_FOR), {"numbers": list(numbers)})
        return frozenset(found)

    async def answer_keys(self, numbers: Collection[int]) -> Mapping[int, AnswerKey]:
        """Returns the answer keys of those that exist."""
        query = select(_number, exercises.c.accepted_answers, exercises.c.explanation).where(_ASKED_FOR)
        rows = await self._connection.execute(query, {"numbers": list(numbers)})
        return {row.exercise_id: AnswerKey(tuple(row.accepted_answers), row.explanation) for row in rows}

    async def get(self, exercise_id: int) -> Exercise | None:
        """Returns one exercise, None for an unknown number."""
        row = (await self._connection.execute(select(*_SHOWN).where(_number == exercise_id))).first()
        return Exercise(*row) if row else None

    async def page(self, after: int, limit: int, difficulty: str) -> Sequence[Exercise]:
        """Returns up to `limit` exercises numbered above `after`; an empty difficulty means all of them."""
        query = select(*_SHOWN).where(_number > after).order_by(_number).limit(limit)
        if difficulty:
            query = query.where(exercises.c.difficulty == difficulty)
        return [Exercise(*row) for row in await self._connection.execute(query)]

    async def put(self, contents: Sequence[ExerciseContent]) -> LoadCounts:
        """Creates or replaces exercises in one statement; rows that are the same are not written."""
        # In the order of their numbers: two loads at once lock rows in one order.
        ordered = sorted(contents, key=lambda content: content.exercise.exercise_id)
        rows = [_row(content) for content in ordered]
        statement = insert(exercises).values(rows)
        new = statement.excluded
        written = statement.on_conflict_do_update(
            index_elements=[_number],
            set_={**{name: new[name] for name in _CONTENT}, "updated_at": func.now()},
            where=tuple_(*(exercises.c[name] for name in _CONTENT)).is_distinct_from(
                tuple_(*(new[name] for name in _CONTENT))
            ),
            # A row version that an INSERT made was never locked: its xmax is 0.
        ).returning(case((literal_column("xmax") == literal_column("0"), 1), else_=0))
        made = list(await self._connection.scalars(written))
        created = sum(made)
        return LoadCounts(created, len(made) - created, len(rows) - len(made))


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
