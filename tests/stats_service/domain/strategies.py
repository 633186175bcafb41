"""Histories for property tests: few days and instants, so that they collide."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st

from stats_service.domain.badges import METRICS, BadgeBook, BadgeVersion
from stats_service.domain.completion import Completion

FIRST_DAY = date(2026, 3, 20)
DAYS = st.integers(0, 20).map(lambda days: FIRST_DAY + timedelta(days=days))
INSTANTS = st.integers(0, 40).map(lambda half: datetime(2026, 3, 20, tzinfo=UTC) + timedelta(hours=12 * half))
PRODUCTS = st.sampled_from(["focus", "exercises"])


@st.composite
def completions(draw: st.DrawFn) -> Completion:
    """One fact. Its day is drawn apart from its instant: a traveller's may differ by a day or be wrong."""
    number = draw(st.integers(1, 10**9))
    end_time = draw(INSTANTS)
    return Completion(
        event_id=uuid.UUID(int=draw(st.integers(0, 2**128 - 1))),
        user_id=1,
        user_seq=number,
        session_id=number,
        product=draw(PRODUCTS),
        outcome="completed",
        counts=draw(st.booleans()),
        start_time=end_time - timedelta(hours=1),
        end_time=end_time,
        time_zone=draw(st.sampled_from(["UTC", "Asia/Kolkata", "Pacific/Auckland"])),
        rollover_hour=draw(st.integers(0, 23)),
        local_date=draw(DAYS),
        elapsed_seconds=draw(st.integers(0, 3600)),
        implausible=False,
        answer_count=draw(st.integers(0, 5)),
        correct_answer_count=0,
        content="",
        mode="",
    )


def histories() -> st.SearchStrategy[list[Completion]]:
    """Facts of one person with ids of their own."""
    return st.lists(completions(), max_size=30, unique_by=lambda fact: fact.event_id)


@st.composite
def books(draw: st.DrawFn) -> BadgeBook:
    """Badges with one to three versions, the older ones replaced at some instant."""
    versions = []
    for number in range(draw(st.integers(0, 6))):
        count = draw(st.integers(1, 3))
        replaced = sorted(draw(st.lists(INSTANTS, min_size=count - 1, max_size=count - 1)))
        for version, until in enumerate([*replaced, None], start=1):
            versions.append(
                BadgeVersion(
                    badge_id=f"badge-{number}",
                    version=version,
                    product=draw(st.sampled_from(["focus", "all"])),
                    metric=draw(st.sampled_from(sorted(METRICS))),
                    threshold=draw(st.integers(1, 12)),
                    until=until,
                )
            )
    return BadgeBook(1, tuple(versions))
