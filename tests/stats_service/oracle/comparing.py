"""Holds the service's answers against the oracle's, and finds the smallest history they differ on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.streaks import DayStreak, PeriodStreak, Streaks, streaks
from tests.stats_service.oracle.histories import History, history
from tests.stats_service.oracle.oracle import Answer, DayAnswer, Oracle, PeriodAnswer
from tests.stats_service.oracle.wall_clock import WallCalendar, date_of

Judge = Callable[[History], bool]


def served(story: History, product: str) -> Answer:
    """Returns the service's streaks."""
    return _as_answer(
        streaks(story.facts, story.changes, story.entries, story.sign_up_time, product=product, on=story.on)
    )


def told(story: History, product: str) -> Answer:
    """Returns the oracle's streaks."""
    return Oracle(story.facts, story.changes, story.entries, story.sign_up_time).answer(product, story.on)


def differ(story: History) -> bool:
    """Tells whether the two disagree in the history's product or over all."""
    oracle = Oracle(story.facts, story.changes, story.entries, story.sign_up_time)
    return any(
        served(story, product) != oracle.answer(product, story.on)
        for product in (story.product, ALL_PRODUCTS)
    )


def agree_on(seeds: Iterable[int]) -> set[str]:
    """Compares the histories of seeds and returns the zones their persons live in.

    Raises `AssertionError` with the smallest history like the first one on
    which they differ.
    """
    homes = set()
    for seed in seeds:
        story = history(seed)
        homes.add(story.home)
        try:
            same = not differ(story)
        except Exception as error:
            error.add_note(f"seed {seed}, family {story.family!r}")
            raise
        if not same:
            raise AssertionError(f"seed {seed}\n{as_table(smallest(story, differ))}")
    return homes


def smallest(story: History, still: Judge) -> History:
    """Returns a history without anything that could go while it is still judged the same."""
    if story.sign_up_time is not None:
        story = _if(still, replace(story, sign_up_time=None), story)
    items: list[object] = [*story.facts, *story.changes, *story.entries]
    size = max(1, len(items) // 2)
    while items:
        for first in range(0, len(items), size):
            story = _if(still, story.without(items[first : first + size]), story)
        left: list[object] = [*story.facts, *story.changes, *story.entries]
        if size == 1 and len(left) == len(items):
            break
        items, size = left, max(1, size // 2)
    return story


def _if(still: Judge, smaller: History, story: History) -> History:
    return smaller if still(smaller) else story


def as_table(story: History) -> str:
    """Returns a history and both answers to it, as lines to read."""
    lines = [f"family {story.family!r}, on {story.on} ({story.on:%a}), signed up {story.sign_up_time}"]
    observed: list[tuple[Any, ...]] = [
        (fact.end_time, fact.event_id, fact.time_zone, fact.rollover_hour, _practice(fact))
        for fact in story.facts
    ]
    observed += [
        (change.effective_time, change.event_id, change.time_zone, change.rollover_hour, "calendar change")
        for change in story.changes
    ]
    for instant, event_id, zone, rollover, what in sorted(observed, key=lambda row: row[:2]):
        own = date_of(instant, WallCalendar(zone, rollover))
        lines.append(f"  {instant:%F %T.%f}Z {str(event_id)[:8]} {zone} {rollover:02}h own {own} {what}")
    lines += [f"  {entry}" for entry in story.entries]
    for product in (story.product, ALL_PRODUCTS):
        for cadence, theirs, ours in zip(
            Answer._fields, served(story, product), told(story, product), strict=True
        ):
            sign = "==" if theirs == ours else "!="
            lines.append(f"  {product} {cadence}:\n    service {theirs}\n {sign} oracle  {ours}")
    return "\n".join(lines)


def _practice(fact: Any) -> str:
    marks = f"{', synced' if fact.synced else ''}{'' if fact.counts else ', no count'}"
    return f"{fact.product} on {fact.local_date} ({fact.local_date:%a}){marks}"


def _as_answer(found: Streaks) -> Answer:
    return Answer(_as_day(found.day), _as_period(found.week), _as_period(found.month))


def _as_day(found: DayStreak) -> DayAnswer:
    return DayAnswer(found.current, found.best, found.start, found.last, found.held, found.frozen)


def _as_period(found: PeriodStreak) -> PeriodAnswer:
    return PeriodAnswer(found.current, found.best, found.start, found.last)
