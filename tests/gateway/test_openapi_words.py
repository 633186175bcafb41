"""What is read from the comments of contracts: sentences, forms, bounds and defaults."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.openapi.words import (
    bounds_of,
    default_of,
    description_of,
    summary_of,
    text_form,
    without_subject,
)

DATE = "^$|^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


@pytest.mark.parametrize(
    ("comment", "told"),
    [
        ("Session is a focus session.", "A focus session."),
        ("Session carries the tokens.", "The tokens."),
        ("Session says what a streak counts.", "What a streak counts."),
        ("Session says no more.", "Says no more."),
        ("Session names the session.", "Names the session."),
        ("A session is open.", "A session is open."),
    ],
)
def test_a_comment_is_told_without_its_subject(comment: str, told: str) -> None:
    assert without_subject(comment, "practice.products.focus.v1.Session") == told


def test_a_method_is_told_as_an_operation() -> None:
    comment = "Ends it as StatsService.EraseMe does. It is gone. Errors: SESSION_ENDED, MODE_UNKNOWN."
    told = description_of(comment, {"EraseMe"})
    assert told == (
        "Ends it as `eraseMe` does. It is gone.\n\nErrors of its own: `SESSION_ENDED`, `MODE_UNKNOWN`."
    )
    assert summary_of(told) == "Ends it as `eraseMe` does"
    long = "Streams what happens to a session until it ends: a snapshot first, then every change in its order"
    assert summary_of(f"{long}. No more.") == "Streams what happens to a session until it ends"
    assert summary_of(description_of("Returns it. Errors: MODE_UNKNOWN.", ())) == "Returns it"


@pytest.mark.parametrize(
    ("comment", "default"),
    [
        ("Sessions in the page: 1 to 100, 20 when 0.", 20),
        ("The most to return, 1 to 50,000; 50,000 when 0.", 50_000),
        ("`easy`, `medium` or `hard`; `medium` when left out.", "medium"),
        ("`practice` (when left out), `review` or `test`.", "practice"),
        ("The product; `all`, the streak over every product, when empty.", "all"),
        ("`in-progress`, as when left out, or `completed`.", "in-progress"),
        ("The first day, `YYYY-MM-DD`; 30 days before `to_date` when empty.", None),
        ("The session; absent when there is none.", None),
        ("Those of all products have `all`.", None),
    ],
)
def test_a_default_is_what_holds_when_nothing_is_sent(comment: str, default: str | int | None) -> None:
    assert default_of(comment) == default


@pytest.mark.parametrize(
    ("name", "comment", "sent", "form"),
    [
        ("date", "The day, `YYYY-MM-DD`.", False, {"format": "date"}),
        ("last_date", "The last of them; open when empty.", False, {"pattern": DATE}),
        ("last_date", "The last of them; today when empty.", True, {"format": "date"}),
        ("last_date", "The last of them; null before the first.", False, {"format": "date"}),
        ("started_at", "RFC 3339, UTC.", False, {"format": "date-time"}),
        ("from_date", "RFC 3339, or a date for the whole day.", True, {}),
        ("id", "Its id, 24 hex digits.", False, {"pattern": "^[0-9a-f]{24}$"}),
        ("title", "The title.", False, {}),
    ],
)
def test_a_text_has_the_form_that_its_comment_says(
    name: str, comment: str, sent: bool, form: dict[str, Any]
) -> None:
    assert text_form(name, comment, "", sent=sent) == form


def test_a_number_has_the_bounds_that_its_comment_says() -> None:
    assert bounds_of("Right ones in percent, 0 to 100, two decimals.") == {"minimum": 0, "maximum": 100}
    assert bounds_of("60 to 90 of them.") == {}
