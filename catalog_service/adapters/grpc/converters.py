"""Converts between the catalog's messages and its domain."""

from __future__ import annotations

from practice.catalog.v1 import (
    achievement_pb2,
    activity_pb2,
    catalog_service_pb2,
    exercise_pb2,
    sequence_pb2,
)

from catalog_service.domain.contents import (
    Achievement,
    Activity,
    ActivityContent,
    Content,
    CountedActivity,
    Pose,
    Sequence,
)
from catalog_service.domain.items import AnswerKey, ContentItem, Exercise, ExerciseContent, Word


def number_of(name: str) -> int:
    """Returns the number in a name such as `exercises/123`, whose form the schema has checked."""
    return int(name.partition("/")[2])


def exercise_to_proto(exercise: Exercise) -> exercise_pb2.Exercise:
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


def answer_key_to_proto(item: str, key: AnswerKey) -> exercise_pb2.AnswerKey:
    """Returns an item's answer key."""
    return exercise_pb2.AnswerKey(
        item=item, accepted_answers=key.accepted_answers, explanation=key.explanation
    )


def exercise_content_from_proto(content: exercise_pb2.ExerciseContent) -> ExerciseContent:
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


def activity_to_proto(counted: CountedActivity) -> activity_pb2.Activity:
    """Returns the activity as learners see it."""
    activity = counted.activity
    return activity_pb2.Activity(
        name=f"activities/{activity.activity_id}",
        activity_id=activity.activity_id,
        title=activity.title,
        type=activity.type,
        language=activity.language,
        translation_language=activity.translation_language,
        word_count=counted.word_count,
    )


def activity_content_from_proto(content: activity_pb2.ActivityContent) -> ActivityContent:
    """Returns an activity as its author wrote it."""
    return ActivityContent(
        activity=Activity(
            activity_id=content.activity_id,
            title=content.title,
            type=content.type,
            language=content.language,
            translation_language=content.translation_language,
        ),
        words=tuple(
            Word(word.word_id, word.word, tuple(word.translations), tuple(word.difficulties))
            for word in content.words
        ),
    )


def content_item_to_proto(item: ContentItem) -> catalog_service_pb2.ContentItem:
    """Returns an item of an activity."""
    return catalog_service_pb2.ContentItem(item=item.item, prompt=item.prompt, difficulties=item.difficulties)


def content_to_proto(name: str, content: Content) -> catalog_service_pb2.Content:
    """Returns what a name names."""
    message = catalog_service_pb2.Content(name=name, title=content.title, type=content.type)
    if content.created_at is not None:
        message.create_time.FromDatetime(content.created_at)
    return message


def sequence_to_proto(sequence: Sequence) -> sequence_pb2.Sequence:
    """Returns the sequence as learners see it."""
    return sequence_pb2.Sequence(
        name=f"sequences/{sequence.sequence_id}",
        sequence_id=sequence.sequence_id,
        title=sequence.title,
        description=sequence.description,
        difficulty=sequence.difficulty,
        poses=[
            sequence_pb2.Pose(
                title=pose.title,
                sanskrit_title=pose.sanskrit_title,
                duration_seconds=pose.duration_seconds,
                cue=pose.cue,
            )
            for pose in sequence.poses
        ],
        duration_seconds=sequence.duration_seconds,
    )


def sequence_from_proto(message: sequence_pb2.Sequence) -> Sequence:
    """Returns a sequence as its author wrote it."""
    poses = (Pose(pose.title, pose.sanskrit_title, pose.duration_seconds, pose.cue) for pose in message.poses)
    return Sequence(
        sequence_id=message.sequence_id,
        title=message.title,
        description=message.description,
        difficulty=message.difficulty,
        poses=tuple(poses),
    )


def achievement_to_proto(achievement: Achievement) -> achievement_pb2.Achievement:
    """Returns an achievement."""
    return achievement_pb2.Achievement(
        achievement_id=achievement.achievement_id,
        product=achievement.product,
        type=achievement.type,
        title=achievement.title,
        description=achievement.description,
        metric=achievement.metric,
        threshold=achievement.threshold,
    )


def achievement_from_proto(message: achievement_pb2.Achievement) -> Achievement:
    """Returns an achievement as its author wrote it."""
    return Achievement(
        achievement_id=message.achievement_id,
        product=message.product,
        type=message.type,
        title=message.title,
        description=message.description,
        metric=message.metric,
        threshold=message.threshold,
    )
