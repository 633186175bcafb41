"""Exercises and the words of activities: what a learner answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """The right answers to an item, the one shown to learners first."""

    accepted_answers: tuple[str, ...]
    explanation: str


@dataclass(frozen=True, slots=True)
class Exercise:
    """An exercise as a learner sees it before answering."""

    exercise_id: int
    prompt: str
    cue: str
    instruction: str
    language: str
    difficulty: str


@dataclass(frozen=True, slots=True)
class ExerciseContent:
    """An exercise with its answers, the one shown to learners first."""

    exercise: Exercise
    accepted_answers: tuple[str, ...]
    explanation: str


@dataclass(frozen=True, slots=True)
class Word:
    """A word of an activity with its translations, the one shown to learners first."""

    word_id: str
    word: str
    translations: tuple[str, ...]
    difficulties: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContentItem:
    """An item of an activity as a learner sees it before answering."""

    item: str
    prompt: str
    difficulties: tuple[str, ...]
