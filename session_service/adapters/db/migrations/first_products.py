"""The products that every database has from the beginning, as rows of `product_version`."""

from __future__ import annotations

from typing import Any

# What a row says that says nothing.
_PLAIN = {
    "open_scope": "any_number",
    "second_start": "reject",
    "modes": [],
    "content": None,
    "content_required": False,
    "items": None,
    "picks_items": False,
    "submits": False,
    "planned": None,
    "elapsed": "measured",
    "elapsed_bounds": {"minimum": 0, "maximum": 2**31 - 1},
    "pause_again": "nothing",
    "outcomes": ["completed", "abandoned"],
    "counted": ["completed"],
    "counts_unanswered": True,
}

# What content says of them later is a version 2.
FIRST_VERSIONS: dict[str, dict[str, Any]] = {
    "exercises": {
        "modes": ["practice", "review", "test"],
        "items": "exercises",
        "counts_unanswered": False,
    },
    "portal": {
        "content": "activities",
        "content_required": True,
        "items": "words",
        "picks_items": True,
        "counts_unanswered": False,
    },
    "yoga": {
        "content": "sequences",
        "elapsed": "reported",
        "elapsed_bounds": {"minimum": 0, "maximum": 14_400},
        "pause_again": "records_elapsed",
        "outcomes": ["completed", "partial", "abandoned"],
    },
    "focus": {
        "open_scope": "one_per_user",
        "planned": {"minimum": 60, "maximum": 86_400},
        "elapsed": "rising",
        "elapsed_bounds": {"minimum": 0, "maximum": 86_400},
    },
    "design": {
        "open_scope": "one_per_content",
        "second_start": "resume",
        "content": "problems",
        "content_required": True,
        "elapsed": "largest",
        "pause_again": "records_elapsed",
        "submits": True,
    },
}


def first_rows() -> list[dict[str, Any]]:
    """Returns the first version of each."""
    return [
        {"product": product, "version": 1, "policy": {"product": product, **_PLAIN, **row}}
        for product, row in FIRST_VERSIONS.items()
    ]
