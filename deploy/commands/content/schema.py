"""What a content file may say: every kind of content, field by field, as data.

A new kind of content is one more `Kind` here and one more loader in
`deploy.commands.content.loading`. Bounds are those of the messages in `protos/` that the
fields become, so that an author hears of them before a service does.
"""

from __future__ import annotations

from deploy.commands.content.kinds import (
    Bound,
    Choice,
    Condition,
    Day,
    Decimal,
    EntryList,
    Field,
    Flag,
    Kind,
    Number,
    Order,
    ProductName,
    Text,
    TextList,
)
from deploy.commands.content.products import product_faults

# `exercises/{number}` names have at most 18 digits.
LARGEST_NUMBER = 10**18 - 1

DIFFICULTIES = ("easy", "medium", "hard")

_NUMBER = Number(largest=LARGEST_NUMBER)
_DIFFICULTY = Text(longest=10, choices=DIFFICULTIES)
_LANGUAGE = Text(
    longest=35,
    pattern="[a-z]{2,3}(-[A-Za-z0-9]{2,8})*",
    pattern_hint="must be a language tag, such as es or es-MX",
)

_BADGE_STATE = Choice(
    options=(
        ("inactive", "BADGE_STATE_INACTIVE"),
        ("active", "BADGE_STATE_ACTIVE"),
        ("locked", "BADGE_STATE_LOCKED"),
    )
)


_SECONDS = Number(smallest=0, largest=2**31 - 1)


def _named(enum: str, *words: str) -> Choice:
    """Returns a choice of words that are values of an enum."""
    return Choice(options=tuple((word, f"{enum}_{word.upper()}") for word in words))


def _slug(longest: int, example: str) -> Text:
    return Text(
        longest=longest,
        pattern="[a-z0-9]+(-[a-z0-9]+)*",
        pattern_hint=f"must be small letters, digits and single hyphens, such as {example}",
    )


PRODUCTS = Kind(
    name="products",
    files="products.yaml",
    identity="product",
    fields=(
        Field(
            "product",
            "product",
            Text(
                longest=32,
                pattern="[a-z][a-z0-9_]*",
                pattern_hint="must be small letters, digits and underscores, such as focus",
            ),
        ),
        Field(
            "open_sessions",
            "open_sessions",
            _named("OPEN_SESSIONS", "any_number", "one_per_user", "one_per_content"),
            required=False,
        ),
        Field("second_start", "second_start", _named("SECOND_START", "reject", "resume"), required=False),
        Field("modes", "modes", TextList(most=20, longest=32), required=False),
        Field("content", "content", Text(longest=32), required=False),
        Field("content_required", "content_required", Flag(), required=False),
        Field("items", "items", Text(longest=32), required=False),
        Field("picks_items", "picks_items", Flag(), required=False),
        Field("submits", "submits", Flag(), required=False),
        Field("min_planned_seconds", "min_planned_seconds", _SECONDS, required=False),
        Field("max_planned_seconds", "max_planned_seconds", _SECONDS, required=False),
        Field(
            "elapsed",
            "elapsed",
            _named("ELAPSED", "measured", "reported", "rising", "largest"),
            required=False,
        ),
        Field("min_elapsed_seconds", "min_elapsed_seconds", _SECONDS, required=False),
        Field("max_elapsed_seconds", "max_elapsed_seconds", _SECONDS, required=False),
        Field(
            "pause_again", "pause_again", _named("PAUSE_AGAIN", "nothing", "records_elapsed"), required=False
        ),
        Field(
            "outcomes",
            "outcomes",
            TextList(most=3, longest=10, choices=("completed", "partial", "abandoned")),
            required=False,
        ),
        Field(
            "counted",
            "counted",
            TextList(most=2, longest=10, choices=("completed", "partial")),
            required=False,
        ),
        Field("counts_unanswered", "counts_unanswered", Flag(), required=False),
    ),
    judge=product_faults,
)

EXERCISES = Kind(
    name="exercises",
    files="exercises/*.yaml",
    identity="id",
    fields=(
        Field("id", "exercise_id", _NUMBER),
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
        Field("language", "language", _LANGUAGE),
        Field("difficulty", "difficulty", _DIFFICULTY),
        Field("answers", "accepted_answers", TextList(most=20, longest=200)),
        Field("explanation", "explanation", Text(longest=500)),
    ),
)

ACTIVITIES = Kind(
    name="activities",
    files="activities/*.yaml",
    identity="id",
    fields=(
        Field("id", "activity_id", _NUMBER),
        Field("title", "title", Text(longest=200)),
        Field("type", "type", Text(longest=40, choices=("flashcards",))),
        Field("language", "language", _LANGUAGE),
        Field("translation_language", "translation_language", _LANGUAGE),
        Field(
            "words",
            "words",
            EntryList(
                name="words",
                most=2000,
                identity="id",
                distinct="word",
                fields=(
                    Field("id", "word_id", _slug(64, "en-hello")),
                    Field("word", "word", Text(longest=200)),
                    Field("translations", "translations", TextList(most=20, longest=200)),
                    Field("difficulties", "difficulties", TextList(most=3, longest=10, choices=DIFFICULTIES)),
                ),
            ),
        ),
    ),
)

SEQUENCES = Kind(
    name="sequences",
    files="sequences/*.yaml",
    identity="id",
    fields=(
        Field("id", "sequence_id", _NUMBER),
        Field("title", "title", Text(longest=200)),
        Field("description", "description", Text(longest=1000)),
        Field("difficulty", "difficulty", _DIFFICULTY),
        Field(
            "poses",
            "poses",
            EntryList(
                name="poses",
                most=100,
                fields=(
                    Field("title", "title", Text(longest=100)),
                    Field("sanskrit", "sanskrit_title", Text(longest=100), required=False),
                    Field("seconds", "duration_seconds", Number(smallest=5, largest=1200)),
                    Field("cue", "cue", Text(longest=500), required=False),
                ),
            ),
        ),
    ),
)

PROBLEMS = Kind(
    name="problems",
    files="problems/*.yaml",
    identity="key",
    fields=(
        Field("key", "key", _slug(64, "url-shortener")),
        Field("title", "title", Text(longest=200)),
        Field("description", "description", Text(longest=10_000)),
        Field("difficulty", "difficulty", _DIFFICULTY),
        Field("categories", "categories", TextList(most=20, longest=100)),
        Field("estimated_time", "estimated_time", Text(longest=40)),
        Field("requirements", "requirements", TextList(most=50, longest=1000)),
        Field("constraints", "constraints", TextList(most=50, longest=1000)),
        Field("hints", "hints", TextList(most=50, longest=1000)),
    ),
)

ACHIEVEMENTS = Kind(
    name="achievements",
    files="achievements.yaml",
    identity="id",
    fields=(
        Field("id", "achievement_id", _slug(64, "sharp-mind")),
        Field("product", "product", ProductName()),
        Field("type", "type", _slug(40, "accuracy")),
        Field("title", "title", Text(longest=100)),
        Field("description", "description", Text(longest=300)),
        Field(
            "metric",
            "metric",
            Text(longest=40, choices=("success_rate", "answered_items", "mastered_items")),
        ),
        Field("threshold", "threshold", Decimal(largest=1_000_000)),
    ),
    # A rate is a fraction: whoever writes 80 means 0.8.
    bounds=(Bound(field="threshold", largest=1, when="metric", value="success_rate"),),
)

BADGES = Kind(
    name="badges",
    files="badges.yaml",
    identity="id",
    fields=(
        Field("id", "badge_id", _slug(80, "focus-first-session")),
        Field("name", "name", Text(longest=100)),
        Field("description", "description", Text(longest=300)),
        Field("icon", "icon", Text(longest=40)),
        Field("product", "product", ProductName(("all",))),
        Field("condition", "condition", Condition()),
        Field("first_day", "first_date", Day(), required=False),
        Field("last_day", "last_date", Day(), required=False),
        Field("hidden", "hidden", Flag(), required=False),
        Field("state", "state", _BADGE_STATE, required=False),
    ),
    orders=(Order(first="first_day", last="last_day"),),
)

# In the order of loading.
KINDS = (PRODUCTS, EXERCISES, ACTIVITIES, SEQUENCES, PROBLEMS, ACHIEVEMENTS, BADGES)
