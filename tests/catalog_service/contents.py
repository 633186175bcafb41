"""Content that nobody has loaded before."""

from __future__ import annotations

import itertools
from typing import Any

from practice.catalog.v1 import achievement_pb2, activity_pb2, problem_pb2, sequence_pb2

_numbers = itertools.count(10_000)


def new_number() -> int:
    """Returns a number that nothing has yet."""
    return next(_numbers)


def new_token() -> str:
    """Returns a word that no text holds yet, nor a part of one."""
    return f"q{new_number()}q"


def word(word_id: str, translation: str = "hola", **changes: Any) -> activity_pb2.Word:
    fields: dict[str, Any] = {
        "word_id": word_id,
        "word": word_id.partition("-")[2] or word_id,
        "translations": [translation, f"¡{translation}!"],
        "difficulties": ["easy", "medium"],
    }
    return activity_pb2.Word(**{**fields, **changes})


def activity(*words: activity_pb2.Word, **changes: Any) -> activity_pb2.ActivityContent:
    number = new_number()
    fields: dict[str, Any] = {
        "activity_id": number,
        "title": "Basic Vocabulary",
        "type": "flashcards",
        "language": "en",
        "translation_language": "es",
        "words": words or [word(f"w{number}-hello"), word(f"w{number}-goodbye", "adiós")],
    }
    return activity_pb2.ActivityContent(**{**fields, **changes})


def sequence(**changes: Any) -> sequence_pb2.Sequence:
    poses = [
        sequence_pb2.Pose(
            title="Mountain", sanskrit_title="Tadasana", duration_seconds=30, cue="Stand “tall” \\ breathe"
        ),
        sequence_pb2.Pose(title="Corpse", duration_seconds=300),
    ]
    fields: dict[str, Any] = {
        "sequence_id": new_number(),
        "title": "Morning",
        "description": "Wakes you up.",
        "difficulty": "easy",
        "poses": poses,
    }
    return sequence_pb2.Sequence(**{**fields, **changes})


def achievement(**changes: Any) -> achievement_pb2.Achievement:
    fields: dict[str, Any] = {
        "achievement_id": f"sharp-mind-{new_number()}",
        "product": "portal",
        "type": "accuracy",
        "title": "Sharp Mind",
        "description": "Eight of ten answers right.",
        "metric": "success_rate",
        "threshold": 0.8,
    }
    return achievement_pb2.Achievement(**{**fields, **changes})


def problem(**changes: Any) -> problem_pb2.Problem:
    fields: dict[str, Any] = {
        "title": "Design a URL Shortener Service",
        "description": "Short links for long ones, millions a day.",
        "difficulty": "medium",
        "categories": ["Web Services", "Databases"],
        "estimated_time": "45 mins",
        "requirements": ["Short URLs are unique"],
        "constraints": ["99.9% uptime"],
        "hints": ["base62"],
    }
    return problem_pb2.Problem(**{**fields, **changes})
