"""What a content file may say: every kind of content, field by field, as data.

A new kind of content is one more `Kind` here and one more loader in
`deploy.content`. Bounds are those of the messages in `protos/` that the
fields become, so that an author hears of them before a service does.
"""

from __future__ import annotations

from dataclasses import dataclass

LARGEST_INT64 = 2**63 - 1
# `exercises/{number}` names have at most 18 digits.
LARGEST_NUMBER = 10**18 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One piece of text, 1 to `longest` characters long."""

    longest: int
    choices: tuple[str, ...] = ()
    # A regular expression for the whole text, and what to tell an author whose text does not match it.
    pattern: str = ""
    pattern_hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A whole number from 1 to `largest`."""

    largest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TextList:
    """From 1 to `most` different texts, each 1 to `longest` characters long."""

    most: int
    longest: int


Rule = Text | Number | TextList


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an entry; every field is required."""

    # Its name in the file.
    key: str
    # Its name in the message that is loaded.
    message_field: str
    rule: Rule


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of content: files that hold a list of entries alike."""

    name: str
    # Which files hold it, as a glob inside the content directory.
    files: str
    # The field that is unique over all of these files.
    identity: str
    fields: tuple[Field, ...]


EXERCISES = Kind(
    name="exercises",
    files="exercises/*.yaml",
    identity="id",
    fields=(
        Field("id", "exercise_id", Number(largest=LARGEST_NUMBER)),
        Field(
            "prompt",
            "prompt",
            Text(
                longest=500,
                pattern="[^_]*___[^_]*",
                pattern_hint="must have one gap, written ___ (three underscores)",
            ),
        ),
        Field("cue", "cue", Text(longest=100)),
        Field("instruction", "instruction", Text(longest=200)),
        Field(
            "language",
            "language",
            Text(
                longest=35,
                pattern="[a-z]{2,3}(-[A-Za-z0-9]{2,8})*",
                pattern_hint="must be a language tag, such as es or es-MX",
            ),
        ),
        Field("difficulty", "difficulty", Text(longest=10, choices=("easy", "medium", "hard"))),
        Field("answers", "accepted_answers", TextList(most=20, longest=200)),
        Field("explanation", "explanation", Text(longest=500)),
    ),
)

BADGES = Kind(
    name="badges",
    files="badges.yaml",
    identity="id",
    fields=(
        Field(
            "id",
            "badge_id",
            Text(
                longest=80,
                pattern="[a-z0-9]+(-[a-z0-9]+)*",
                pattern_hint="must be small letters, digits and single hyphens, such as focus-first-session",
            ),
        ),
        Field("name", "name", Text(longest=100)),
        Field("description", "description", Text(longest=300)),
        Field("icon", "icon", Text(longest=40)),
        Field("product", "product", Text(longest=40, choices=("exercises", "focus", "all"))),
        Field(
            "metric",
            "metric",
            Text(
                longest=40,
                choices=("sessions", "seconds", "days", "answers", "correct_answers", "best_streak"),
            ),
        ),
        Field("threshold", "threshold", Number(largest=LARGEST_INT64)),
    ),
)

KINDS = (EXERCISES, BADGES)
