"""Between the catalog's messages and what its use cases take and give."""

from __future__ import annotations

from practice.catalog.v1 import exercise_pb2

from catalog_service.application.ports import AnswerKey, Exercise, ExerciseContent


def exercise_number(name: str) -> int:
    """Returns the number in `exercises/{number}`, whose form the schema has checked."""
    return int(name.removeprefix("exercises/"))


def to_exercise(exercise: Exercise) -> exercise_pb2.Exercise:
    """Returns the exercise as learners see it."""
    return exercise_pb2.Exercise(
        name=f"exercises/{exercise.exercise_id}",
        exercise_id=exercise.exercise_id,
        prompt=exercise.prompt,
        cue=exercise.cue,
        instruction=exercise.instruction,
        language=exercise.language,
        difficulty=exercise.difficulty,
    )


def to_answer_key(item: str, key: AnswerKey) -> exercise_pb2.AnswerKey:
    """Returns an item's answer key."""
    return exercise_pb2.AnswerKey(
        item=item, accepted_answers=key.accepted_answers, explanation=key.explanation
    )


def from_content(content: exercise_pb2.ExerciseContent) -> ExerciseContent:
    """Returns an exercise as its author wrote it."""
    return ExerciseContent(
        exercise=Exercise(
            exercise_id=content.exercise_id,
            prompt=content.prompt,
            cue=content.cue,
            instruction=content.instruction,
            language=content.language,
            difficulty=content.difficulty,
        ),
        accepted_answers=tuple(content.accepted_answers),
        explanation=content.explanation,
    )
