"""Conditions and badge catalogues for property tests, drawn from the grammar that editors write in."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Any

from hypothesis import strategies as st

from stats_service.adapters.cel.conditions import compile_condition
from stats_service.domain.badges import BadgeCatalogue, BadgeVersion
from stats_service.domain.conditions import SUMS, Condition
from tests.stats_service.domain.strategies import DAYS, INSTANTS

compiled = lru_cache(maxsize=None)(compile_condition)


def rule(condition: str, **changes: Any) -> BadgeVersion:
    """Returns a version of a badge with a condition."""
    return BadgeVersion(**{"badge_id": "badge", "version": 1, **changes}, condition=compiled(condition))


_OPERATORS = st.sampled_from([">=", ">=", ">=", ">=", "<", "<=", ">", "==", "!="])
_SCOPES = st.sampled_from(["focus", "exercises", "total", "total", "session", "nobodys"])
_SUMS = st.sampled_from(["best_streak", "sessions", "days", *SUMS])
_SMALL, _MINUTES, _SECONDS = (
    st.integers(-1, 8),
    st.integers(0, 120),
    st.sampled_from([0, 59, 600, 1_500, 3_000]),
)
_LONG = {"seconds": _SECONDS, "minutes": _MINUTES, "accuracy": st.sampled_from([0, 33, 40, 50])}
_HOURS = st.integers(0, 23)
_NUMBERS = st.sampled_from(
    ["seconds", "minutes", "answers", "correct_answers", "accuracy", "hour", "weekday"]
)
_TEXTS = {
    "product": ["focus", "exercises", "yoga"],
    "outcome": ["completed", "partial"],
    "mode": ["", "review"],
    "content": ["", "activities/1"],
}


@st.composite
def terms(draw: st.DrawFn) -> str:
    """A comparison of a variable with a constant."""
    scope = draw(_SCOPES)
    if scope != "session":
        name = draw(_SUMS)
        return f"{scope}.{name} {draw(_OPERATORS)} {draw(_LONG.get(name, _SMALL))}"
    if draw(st.booleans()):
        name = draw(st.sampled_from(sorted(_TEXTS)))
        return f'session.{name} {draw(_OPERATORS)} "{draw(st.sampled_from(_TEXTS[name]))}"'
    name = draw(_NUMBERS)
    return f"session.{name} {draw(_OPERATORS)} {draw(_HOURS if name == 'hour' else _LONG.get(name, _SMALL))}"


def joined() -> st.SearchStrategy[Condition]:
    """Terms joined by `&&`, which are compared by the column."""
    return st.lists(terms(), min_size=1, max_size=3).map(lambda several: compiled(" && ".join(several)))


def nested() -> st.SearchStrategy[Condition]:
    """Anything made of terms."""
    texts = st.recursive(
        terms() | st.just("10 / (session.answers - 3) > 1"),
        lambda parts: st.one_of(
            parts.map(lambda part: f"!({part})"),
            st.tuples(parts, st.sampled_from(["&&", "||"]), parts).map(
                lambda each: "({} {} {})".format(*each)
            ),
            st.tuples(parts, parts, parts).map(lambda each: "({} ? {} : {})".format(*each)),
        ),
        max_leaves=4,
    )
    return texts.map(compiled)


@st.composite
def catalogues(draw: st.DrawFn) -> BadgeCatalogue:
    """Badges with one to three versions, the older ones replaced at some instant."""
    versions = []
    for number in range(draw(st.integers(0, 5))):
        count = draw(st.integers(1, 3))
        replaced = sorted(draw(st.lists(INSTANTS, min_size=count - 1, max_size=count - 1)))
        for version, until in enumerate([*replaced, None], start=1):
            window: tuple[date | None, date | None] = draw(
                st.sampled_from([(None, None)]) | st.tuples(st.none() | DAYS, st.none() | DAYS)
            )
            versions.append(
                BadgeVersion(
                    badge_id=f"badge-{number}",
                    version=version,
                    condition=draw(joined() | nested()),
                    first_day=window[0],
                    last_day=window[1],
                    until=until,
                )
            )
    return BadgeCatalogue(1, tuple(versions))


def asked_only(catalogue: BadgeCatalogue) -> BadgeCatalogue:
    """Returns a catalogue whose conditions are all left to their CEL programs."""
    return BadgeCatalogue(
        catalogue.revision,
        tuple(
            replace(version, condition=replace(version.condition, terms=None))
            for version in catalogue.versions
        ),
    )
