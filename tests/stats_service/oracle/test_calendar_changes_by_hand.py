"""Days that calendars cut short or skip, worked out on paper."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from stats_service.domain.calendar import CalendarChange
from tests.stats_service.oracle.by_hand import (
    Ask,
    change,
    march,
    practised,
    utc,
)
from tests.stats_service.oracle.oracle import DayAnswer

# A session at 21:00 of the 10th in Los Angeles and one at 8:00 of the 12th in Auckland.
IN_LOS_ANGELES = {"end_time": utc(2026, 3, 11, 4), "time_zone": "America/Los_Angeles"}
IN_AUCKLAND = {"end_time": utc(2026, 3, 11, 19), "time_zone": "Pacific/Auckland"}
# At 23:00 of the 10th there, 19:00 of the 11th here.
LANDED = change(utc(2026, 3, 11, 6), "Pacific/Auckland")


@pytest.mark.parametrize(
    ("rollover", "days", "current"),
    [
        (0, (28, 29, 31), 3),
        (4, (28, 29, 31), 3),
        # The 29th and the 30th had 12 hours each.
        (12, (28, 29, 31), 1),
        # The 29th had 11 hours.
        (13, (28, 30, 31), 3),
        (13, (28, 29, 31), 1),
    ],
)
def test_samoa_had_no_30_december_2011(ask: Ask, rollover: int, days: tuple[int, ...], current: int) -> None:
    facts = practised(
        *(date(2011, 12, day) for day in days), time_zone="Pacific/Apia", rollover_hour=rollover
    )
    assert ask(facts, date(2011, 12, 31)).day.current == current


def test_a_day_is_skipped_only_for_who_lived_by_the_calendar_that_skipped_it(ask: Ask) -> None:
    days = [date(2011, 12, 29), date(2011, 12, 31)]
    facts = practised(*days, time_zone="Pacific/Pago_Pago")
    assert ask(facts, days[1]).day.current == 1


@pytest.mark.parametrize("changes", [[], [LANDED]], ids=["told by the session", "told by a change"])
def test_who_flies_from_los_angeles_to_auckland_keeps_the_day_that_was_lost(
    ask: Ask, changes: list[CalendarChange]
) -> None:
    facts = practised(10, **IN_LOS_ANGELES) + practised(12, **IN_AUCKLAND)
    assert ask(facts, march(12), changes=changes).day == DayAnswer(2, 2, march(10), march(12), 0, ())


def test_who_flew_east_before_practising_keeps_both_days_that_were_cut_and_no_third(ask: Ask) -> None:
    facts = practised(9, end_time=utc(2026, 3, 10, 4), time_zone="America/Los_Angeles")
    assert ask(facts, march(11)).day.current == 0
    assert ask(facts, march(11), changes=[LANDED]).day.current == 1
    assert ask(facts, march(12), changes=[LANDED]).day.current == 1
    assert ask(facts, march(13), changes=[LANDED]).day.current == 0


def test_who_flies_west_has_practised_on_a_day_that_has_not_begun(ask: Ask) -> None:
    facts = [
        fact
        for day in (10, 11, 12)
        for fact in practised(day, end_time=utc(2026, 3, day - 1, 20), time_zone="Pacific/Auckland")
    ]
    landed = change(utc(2026, 3, 12, 0), "America/Los_Angeles")
    for on, current in ((11, 3), (12, 3), (13, 3), (14, 0)):
        assert ask(facts, march(on), changes=[landed]).day.current == current


def test_of_one_instant_a_change_is_read_before_a_session(ask: Ask) -> None:
    # The session of the 10th ends as the change comes, so that the calendar turns there and back. It turns
    # again with the session of the 13th, at 23:00 of the 12th in Los Angeles.
    facts = practised(9, end_time=utc(2026, 3, 10, 4), time_zone="America/Los_Angeles")
    facts += practised(10, **IN_LOS_ANGELES, event_id=UUID(int=0))
    facts += practised(13, end_time=utc(2026, 3, 13, 6), time_zone="Pacific/Auckland")
    changes = [change(utc(2026, 3, 11, 4), "Pacific/Auckland")]
    assert ask(facts, march(13), changes=changes).day.current == 3


def test_a_session_that_does_not_count_tells_the_calendar_but_is_no_practice(ask: Ask) -> None:
    facts = practised(9, end_time=utc(2026, 3, 10, 4), time_zone="America/Los_Angeles")
    abandoned = practised(11, end_time=utc(2026, 3, 11, 6), time_zone="Pacific/Auckland", counts=False)
    assert ask(facts + abandoned, march(12)).day == DayAnswer(1, 1, march(9), march(9), 0, ())


def test_a_later_rollover_hour_cuts_nothing_and_an_earlier_one_does(ask: Ask) -> None:
    facts = practised(9, rollover_hour=4, end_time=utc(2026, 3, 9, 12))
    # At 2:00 of the 11th it is the 10th by the hour of 4, the 11th by the hour of 0.
    earlier = change(utc(2026, 3, 11, 2), "UTC", 0)
    assert ask(facts, march(12), changes=[earlier]).day.current == 1
    later = change(utc(2026, 3, 11, 2), "UTC", 5)
    assert ask(facts, march(11), changes=[later]).day.current == 0


@pytest.mark.parametrize(
    ("zone", "changing"), [("America/New_York", march(8)), ("America/New_York", date(2026, 11, 1))]
)
def test_days_of_23_and_25_hours_are_practised_or_missed_like_any_other(
    ask: Ask, zone: str, changing: date
) -> None:
    day, before, after = (date.fromordinal(changing.toordinal() + number) for number in (0, -1, 1))
    assert ask(practised(before, day, after, time_zone=zone), after).day.current == 3
    assert ask(practised(before, after, time_zone=zone), after).day.current == 1


@pytest.mark.parametrize("zone", ["Atlantis/Sunken", "../etc/passwd", "", "America"])
def test_a_zone_that_is_none_reads_as_utc(ask: Ask, zone: str) -> None:
    facts = practised(9, end_time=utc(2026, 3, 10, 4), time_zone="America/Los_Angeles")
    # At 23:00 of the 10th in Los Angeles, 6:00 of the 11th in UTC.
    assert ask(facts, march(12), changes=[change(utc(2026, 3, 11, 6), zone)]).day.current == 1


def test_before_the_first_observation_its_calendar_is_in_force(ask: Ask) -> None:
    # Dates that this zone database does not agree with: both sessions ended in January 2012.
    facts = practised(date(2011, 12, 29), time_zone="Pacific/Apia", end_time=utc(2012, 1, 2))
    facts += practised(date(2011, 12, 31), time_zone="Pacific/Auckland", end_time=utc(2012, 1, 3))
    assert ask(facts, date(2011, 12, 31)).day.current == 2
