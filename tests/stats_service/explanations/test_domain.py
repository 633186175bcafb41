"""Explanations say what streaks say, on made-up histories of every kind, and say it in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from stats_service.domain.calendar import Calendar
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.periods import Cadence
from stats_service.domain.protection import (
    Entry,
    FreezeGranted,
    KeepReason,
    PauseCancelled,
    PlannedPause,
    Repaired,
    RestDays,
)
from stats_service.domain.standing import Tally
from stats_service.domain.streaks import RULES_VERSION, Run, day_runs, streaks, timeline
from stats_service.explanations import paragraphs
from stats_service.explanations.domain import (
    ExplainedDay,
    PracticeAsOf,
    Verdict,
    explain_break,
    explain_streak,
)
from tests.stats_service.adapters.db.badges import badge
from tests.stats_service.oracle.histories import History, history

SEEDS = range(400)
MAY = date(2026, 5, 1)
RECORDED = datetime(2026, 5, 1, tzinfo=UTC)
UNDER_RULES = f", under version {RULES_VERSION} of the rules."
ROME = f"the clock of Europe/Rome, turning at 04:00{UNDER_RULES}"


def practice_of(story: History, product: str) -> PracticeAsOf:
    counting = [fact for fact in story.facts if fact.counts]
    days = {fact.local_date for fact in counting if product in (fact.product, ALL_PRODUCTS)}
    told = timeline(story.facts, story.changes)
    synced = [(fact.product, fact.local_date) for fact in counting if fact.synced]
    return PracticeAsOf(product, sorted(days), told, story.entries, story.sign_up_time, synced)


def all_days(practice: PracticeAsOf, cadence: Cadence, on: date) -> tuple[Run | None, list[ExplainedDay]]:
    """The run of an explanation and its days, page by page."""
    told = explain_streak(practice, cadence, on, on)
    if told.span is None:
        return None, []
    days: list[ExplainedDay] = []
    while page := told.days(days[-1].day + timedelta(days=1) if days else date.min, 7):
        days += page
    assert [day.day for day in days] == [
        told.span[0] + timedelta(days=number) for number in range((told.span[1] - told.span[0]).days + 1)
    ]
    return told.run, days


@pytest.mark.parametrize("cadence", ["day", "week", "month"])
def test_an_explanation_tells_the_streak_that_is_told_elsewhere(cadence: Cadence) -> None:
    for seed in SEEDS:
        story = history(seed)
        told = explain_streak(practice_of(story, story.product), cadence, story.on, story.on)
        served = streaks(
            story.facts,
            story.changes,
            story.entries,
            story.sign_up_time,
            product=story.product,
            on=story.on,
        )
        assert told.streak == getattr(served, cadence), seed
        assert told.held == served.day.held, seed
        assert (told.run is None) == (told.streak.last is None), seed
        if told.run is not None and told.best is not None:
            alive = told.run.ended_on is None
            assert told.streak.current == (told.run.length if alive else 0), seed
            assert told.streak.best == told.best.length, seed


def test_the_days_of_a_day_streak_are_those_it_counted_kept_and_ended_with() -> None:
    for seed in SEEDS:
        story = history(seed)
        run, days = all_days(practice_of(story, ALL_PRODUCTS), "day", story.on)
        if run is None:
            continue
        assert sum(day.status == "practised" for day in days) == run.length, seed
        kept = [(day.day, day.cause.reason) for day in days if day.cause is not None]
        assert kept == [(each.period, each.reason) for each in run.protected], seed
        missed = [day.day for day in days if day.status == "missed"]
        assert missed == ([run.ended_on] if run.ended_on else []), seed


def test_what_is_behind_a_kept_day_is_of_its_kind_and_of_its_time() -> None:
    kinds = {
        KeepReason.REST: RestDays,
        KeepReason.PAUSE: PlannedPause,
        KeepReason.REPAIR: Repaired,
        KeepReason.FREEZE: FreezeGranted,
    }
    seen: set[str] = set()
    for seed in SEEDS:
        story = history(seed)
        _, days = all_days(practice_of(story, story.product), "day", story.on)
        for day in days:
            if day.cause is None:
                continue
            seen.add(day.cause.reason)
            if day.cause.reason in kinds:
                assert isinstance(day.cause.entry, kinds[day.cause.reason]), seed
            if isinstance(day.cause.entry, FreezeGranted):
                assert (day.cause.entry.product, day.cause.entry.day <= day.day) == (story.product, True), (
                    seed
                )
            assert (day.cause.transition is not None) == (day.cause.reason == KeepReason.CALENDAR_CHANGE), (
                seed
            )
        grants = [day.cause.entry for day in days if day.cause and day.cause.reason == KeepReason.FREEZE]
        assert len(grants) == len(set(map(id, grants))), seed
    assert seen >= {
        KeepReason.REST,
        KeepReason.PAUSE,
        KeepReason.CALENDAR_CHANGE,
        KeepReason.REPAIR,
        KeepReason.FREEZE,
    }


def test_a_day_of_the_past_is_told_without_what_was_practised_later() -> None:
    for seed in SEEDS:
        story = history(seed)
        practice = practice_of(story, story.product)
        for day in practice.days[::3]:
            until = replace(practice, days=[each for each in practice.days if each <= day])
            today = day + timedelta(days=30)
            past = explain_streak(practice, "day", day, today)
            assert (past.streak, past.run) == (
                explain_streak(until, "day", day, day).streak,
                explain_streak(until, "day", day, day).run,
            ), seed


def test_every_day_has_the_verdict_that_the_streaks_give_it() -> None:
    verdicts: set[Verdict] = set()
    for seed in SEEDS:
        story = history(seed)
        practice = practice_of(story, story.product)
        if not practice.days:
            continue
        practised = practice.practised
        runs, _ = day_runs(practised, practice.protection, practice.product, story.on)
        ended = {run.ended_on for run in runs}
        kept = {each.period for run in runs for each in run.protected}
        first = practice.days[0] - timedelta(days=3)
        for number in range((max(story.on, practice.days[-1]) - first).days + 2):
            day = first + timedelta(days=number)
            told = explain_break(practice, day, story.on)
            verdicts.add(told.verdict)
            assert (told.verdict == "broke") == (day in ended), (seed, day)
            assert (told.verdict == "practised") == (day in practised), (seed, day)
            assert (told.verdict == "kept") == (day in kept), (seed, day)
            assert paragraphs.of_break(told)
    assert verdicts == {"broke", "practised", "kept", "no_streak", "not_over", "before_sign_up"}


def entry(kind: type[Entry], **fields: object) -> Entry:
    return kind(entry_id=uuid4(), recorded_at=RECORDED, **fields)  # type: ignore[arg-type]


def in_may(*numbers: int) -> list[date]:
    return [date(2026, 5, number) for number in numbers]


def focus(*practised: int, entries: list[Entry] | None = None) -> PracticeAsOf:
    rome = [(datetime(2026, 4, 1, tzinfo=UTC), Calendar("Europe/Rome", 4))]
    return PracticeAsOf("focus", in_may(*practised), rome, entries or [])


def test_a_streak_that_ended_is_told_in_a_paragraph() -> None:
    told = explain_streak(focus(*range(3, 15)), "day", date(2026, 5, 20), date(2026, 5, 20))
    assert paragraphs.of_streak(told) == (
        "Your focus streak of 12 days began on 3 May 2026 and ended when 15 May 2026 passed without"
        " practice, and nothing kept it. No streak before it was longer. Its days ran by"
        f" {ROME}"
    )


def test_practice_from_before_the_sign_up_is_told_to_begin_no_streak() -> None:
    practice = replace(focus(3, 4), sign_up_time=datetime(2026, 5, 9, 12, tzinfo=UTC))
    told = explain_streak(practice, "day", date(2026, 5, 9), date(2026, 5, 9))
    assert paragraphs.of_streak(told) == (
        "Your focus streak has not begun: what was practised is from before you signed up. Left out: 2 days"
        " from before you signed up, of which nothing was synced."
    )
    broke = explain_break(practice, date(2026, 5, 4), date(2026, 5, 9))
    assert (broke.verdict, paragraphs.of_break(broke)) == (
        "before_sign_up",
        "4 May 2026 is from before you signed up, and nothing of it was synced: it is no part of your focus"
        " streak.",
    )


def test_what_was_synced_from_before_the_sign_up_is_told_as_a_streak_and_the_rest_as_left_out() -> None:
    practice = replace(
        focus(2, 3, 4, 9, 10),
        sign_up_time=datetime(2026, 5, 9, 12, tzinfo=UTC),
        synced=[("focus", day) for day in in_may(3, 4)],
        unanswered=in_may(5, 5, 9),
    )
    told = explain_streak(practice, "day", date(2026, 5, 4), date(2026, 5, 11))
    assert (told.streak.current, told.streak.start) == (2, date(2026, 5, 3))
    text = paragraphs.of_streak(explain_streak(practice, "day", date(2026, 5, 11), date(2026, 5, 11)))
    assert (
        "Left out: 1 day from before you signed up, of which nothing was synced, and 1 day on which sessions"
        " ended without an answer." in text
    )
    verdicts = [explain_break(practice, day, date(2026, 5, 11)).verdict for day in in_may(1, 2, 3, 4, 5, 6)]
    assert verdicts == [
        "before_sign_up",
        "before_sign_up",
        "practised",
        "practised",
        "broke",
        "before_sign_up",
    ]
    missed = paragraphs.of_break(explain_break(practice, date(2026, 5, 5), date(2026, 5, 11)), ["completed"])
    assert "What was practised on that day was completed without an answer, which does not count." in missed


def test_a_streak_that_is_alive_is_told_with_what_kept_it() -> None:
    entries = [
        entry(RestDays, effective_date=MAY, weekdays=frozenset({6})),
        entry(FreezeGranted, product="focus", day=MAY),
        entry(FreezeGranted, product="focus", day=MAY),
    ]
    told = explain_streak(focus(1, 2, 4, 6, entries=entries), "day", date(2026, 5, 6), date(2026, 5, 6))
    assert paragraphs.of_streak(told) == (
        "Your focus streak of 4 days began on 1 May 2026 and is alive on 6 May 2026: the last practice that"
        " counts was on 6 May 2026. It was kept over 2 days without practice: 1 day that used a freeze, 1"
        " day of rest. No streak before it was longer. You hold 1 freeze. Its days ran by"
        f" {ROME}"
    )


def test_weeks_and_months_are_told_as_what_they_are() -> None:
    practice = replace(focus(1, 8), product=ALL_PRODUCTS)
    week, month = (
        explain_streak(practice, cadence, date(2026, 7, 2), date(2026, 7, 2)) for cadence in ("week", "month")
    )
    assert paragraphs.of_streak(week) == (
        "Your weekly streak over all products of 2 weeks began in the week of 27 April 2026 and ended when"
        " the week of 11 May 2026 passed without practice, and nothing kept it. No streak before it was"
        f" longer. Its days ran by {ROME}"
    )
    assert paragraphs.of_streak(month).startswith(
        "Your monthly streak over all products of 1 month began in May 2026 and ended when June 2026 passed"
    )


@pytest.mark.parametrize(
    ("day", "entries", "told"),
    [
        (
            4,
            [],
            "Your focus streak of 3 days began on 1 May 2026 and ended when 4 May 2026 passed without"
            " practice that counts: it was no rest day, no pause was planned, nothing else kept it, and no"
            f" freeze was held. The day ran by {ROME}",
        ),
        (3, [], "3 May 2026 did not break your focus streak: there was practice that counts."),
        (
            5,
            [],
            "5 May 2026 broke nothing: your focus streak had ended before, when 4 May 2026 passed without"
            f" practice. The day ran by {ROME}",
        ),
        (9, [], "9 May 2026 has not broken your focus streak: on the day that this is told, it is not over."),
        (
            4,
            [entry(PlannedPause, first=date(2026, 5, 4), last=date(2026, 5, 6))],
            "4 May 2026 did not break your focus streak, though there was no practice that counts: a pause"
            " was planned from 4 May 2026 to 6 May 2026.",
        ),
        (
            4,
            [entry(Repaired, product="focus", day=date(2026, 5, 4), actor="op", reason="our outage")],
            "4 May 2026 did not break your focus streak, though there was no practice that counts: it was"
            " repaired on 1 May 2026 (our outage).",
        ),
        (
            4,
            [entry(FreezeGranted, product="focus", day=MAY)],
            "4 May 2026 did not break your focus streak, though there was no practice that counts: it used"
            " a freeze.",
        ),
    ],
)
def test_what_a_day_did_is_told_in_a_paragraph(day: int, entries: list[Entry], told: str) -> None:
    explained = explain_break(focus(1, 2, 3, 7, entries=entries), date(2026, 5, day), date(2026, 5, 9))
    assert paragraphs.of_break(explained) == told


def test_a_day_that_a_flight_cut_short_is_told() -> None:
    practice = focus(1, 2, 3, 5)
    flown = (datetime(2026, 5, 3, 20, tzinfo=UTC), Calendar("Asia/Tokyo"))
    explained = explain_break(replace(practice, timeline=[*practice.timeline, flown]), *in_may(4, 6))
    assert paragraphs.of_break(explained) == (
        "4 May 2026 did not break your focus streak, though there was no practice that counts: your days"
        " turned from the clock of Europe/Rome, turning at 04:00 to the clock of Asia/Tokyo, which cut"
        " it short."
    )


def test_a_total_without_answers_speaks_of_none() -> None:
    told = paragraphs.of_total("yoga", Tally(1, 900, 0, 0), 1, (MAY, MAY), {})
    assert told == (
        "Your yoga total is made of 1 session on 1 day from 1 May 2026 to 1 May 2026: 0 h 15 min practised."
    )


def test_a_total_tells_the_time_and_the_sessions_that_are_not_in_it() -> None:
    left_out = {"abandoned": 2, "completed": 1}
    told = paragraphs.of_total(
        "focus", Tally(3, 86_400, 0, 0), 1, (MAY, MAY), left_out, cut=(2, 2_000_000_000)
    )
    assert told == (
        "Your focus total is made of 3 sessions on 1 day from 1 May 2026 to 1 May 2026: 24 h 0 min practised."
        " Not in it: 555,555 h 33 min that 2 sessions told beyond the time that passed, or beyond the 24"
        " hours of a day. Not in it: 3 sessions that ended in a way that does not count (2 abandoned, 1"
        " completed without an answer)."
    )


@pytest.mark.parametrize(
    ("moves", "clocks"),
    [
        (["Asia/Tokyo"], "the clock of Europe/Rome, turning at 04:00, later by the clock of Asia/Tokyo"),
        (
            ["Asia/Tokyo", "Europe/Rome", "Asia/Tokyo", "America/Lima"],
            "the clock of Europe/Rome, turning at 04:00, later by the clock of America/Lima",
        ),
    ],
)
def test_the_clocks_that_a_streak_ran_by_are_told(moves: list[str], clocks: str) -> None:
    practice = focus(*range(1, 12))
    flown = [
        (datetime(2026, 5, day, 12, tzinfo=UTC), Calendar(zone)) for day, zone in enumerate(moves, start=3)
    ]
    practice = replace(practice, timeline=[*practice.timeline, *flown])
    told = explain_streak(practice, "day", date(2026, 5, 12), date(2026, 5, 12))
    assert paragraphs.of_streak(told).endswith(f"Its days ran by {clocks}{UNDER_RULES}")


@pytest.mark.parametrize(
    ("window", "asked"),
    [
        ({"first_day": MAY}, "from 1 May 2026 on"),
        ({"last_day": MAY}, "until 1 May 2026"),
        ({"first_day": MAY, "last_day": date(2026, 5, 7)}, "from 1 May 2026 to 7 May 2026"),
    ],
)
def test_the_window_and_the_lock_of_a_badge_are_told(window: dict[str, date], asked: str) -> None:
    content = badge("season", 3, state="locked", **window)
    assert paragraphs.of_badge(content, None, {}, earned=False) == (
        f"You have not earned “Season”: no practice counts for it yet. It asks for focus.sessions >= 3"
        f" {asked}."
        " It is locked: nobody earns it any more."
    )


def test_a_cancelled_pause_is_behind_no_day() -> None:
    pause = PlannedPause(
        entry_id=uuid4(), recorded_at=RECORDED, first=date(2026, 5, 2), last=date(2026, 5, 4)
    )
    cancelled = entry(PauseCancelled, pause_id=pause.entry_id, from_date=date(2026, 5, 3))
    practice = focus(1, entries=[pause, cancelled])
    verdicts = [explain_break(practice, day, date(2026, 5, 9)).verdict for day in in_may(2, 3)]
    assert verdicts == ["kept", "broke"]


def test_the_version_of_the_rules_is_the_one_of_their_document() -> None:
    document = Path(__file__).parents[3] / "docs/streaks.md"
    assert f"\nVersion {RULES_VERSION} of the rules.\n" in document.read_text(encoding="utf-8")
