"""Explanations, over a real server and stub. It is noon of Friday, 20 February 2026, in UTC."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from practice.stats.v1 import explanation_pb2, streak_pb2
from practice.stats.v1 import explanation_service_pb2 as pb
from practice.stats.v1 import streak_service_pb2 as streak_service_pb
from sqlalchemy import Engine, update

from stats_service.adapters.db.tables import completion as completions
from stats_service.adapters.db.tables import streak_entry
from stats_service.domain.completion import Completion
from stats_service.domain.streaks import RULES_VERSION
from tests.grpc_errors import refusal
from tests.stats_service.adapters.db.badges import badge, publish
from tests.stats_service.conftest import (
    Apply,
    Explanations,
    Metadata,
    StreakOperators,
    days,
)
from tests.stats_service.conftest import (
    ExplanationOperators as Admin,
)
from tests.stats_service.facts import completion, history
from tests.tokens import TestTokens

Verdict = pb.ExplainBreakResponse
Day = explanation_pb2.ExplainedDay
TODAY = days(0)[0]


@pytest.fixture
def me(tokens: TestTokens) -> Metadata:
    return tuple(tokens.bearer(1))


def at(instant: datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(instant)
    return timestamp


def received(engine: Engine, fact: Completion, instant: datetime) -> None:
    """Makes a fact one that was received then."""
    with engine.begin() as connection:
        mine = completions.c.event_id == fact.event_id
        connection.execute(update(completions).where(mine).values(received_at=instant))


async def test_a_streak_is_explained_by_its_days_sessions_and_calendars(
    explanations: Explanations, me: Metadata, apply: Apply
) -> None:
    facts = history(1, days(8, 3, 2, 2, 1), time_zone="Europe/Rome", rollover_hour=4)
    apply(*facts)
    told = await explanations.ExplainStreak(pb.ExplainStreakRequest(product="focus"), metadata=me)
    assert told.paragraph == (
        "Your focus streak of 3 days began on 17 February 2026 and is alive on 20 February 2026: the last"
        " practice that counts was on 19 February 2026. No streak before it was longer. Its days ran by the"
        f" clock of Europe/Rome, turning at 04:00, under version {RULES_VERSION} of the rules."
    )
    assert (told.rules_version, told.product, told.cadence, told.on_date) == (
        RULES_VERSION,
        "focus",
        streak_pb2.CADENCE_DAY,
        "2026-02-20",
    )
    assert told.streak == streak_pb2.CadenceStreak(
        current=3, best=3, start_date="2026-02-17", last_date="2026-02-19"
    )
    assert told.run == explanation_pb2.StreakRun(first_date="2026-02-17", last_date="2026-02-19", length=3)
    shown = [(day.date, day.status, day.session_count) for day in told.days]
    assert shown == [
        ("2026-02-17", Day.STATUS_PRACTISED, 1),
        ("2026-02-18", Day.STATUS_PRACTISED, 2),
        ("2026-02-19", Day.STATUS_PRACTISED, 1),
        ("2026-02-20", Day.STATUS_OPEN, 0),
    ]
    session = told.days[0].sessions[0]
    assert (session.session_id, session.local_date, session.time_zone, session.rollover_hour) == (
        facts[1].session_id,
        "2026-02-17",
        "Europe/Rome",
        4,
    )
    assert session.HasField("receive_time")
    assert [(each.time_zone, each.rollover_hour) for each in told.calendars] == [("Europe/Rome", 4)]


async def test_the_days_of_a_long_streak_come_in_pages(
    explanations: Explanations, me: Metadata, apply: Apply
) -> None:
    apply(*history(1, days(*range(75, -1, -1))))
    request = pb.ExplainStreakRequest(product="focus")
    seen = []
    for expected in (31, 31, 14):
        told = await explanations.ExplainStreak(request, metadata=me)
        assert len(told.days) == expected
        seen += [day.date for day in told.days]
        request.page_token = told.next_page_token
    assert seen == [day.isoformat() for day in days(*range(75, -1, -1))]
    assert request.page_token == ""


async def test_a_page_token_goes_with_its_question_only(
    explanations: Explanations, me: Metadata, tokens: TestTokens, apply: Apply
) -> None:
    apply(*history(1, days(2, 1, 0)))
    request = pb.ExplainStreakRequest(product="focus", page_size=1)
    request.page_token = (await explanations.ExplainStreak(request, metadata=me)).next_page_token
    others = await refusal(explanations.ExplainStreak(request, metadata=tokens.bearer(2)))
    request.cadence = streak_pb2.CADENCE_WEEK
    another = await refusal(explanations.ExplainStreak(request, metadata=me))
    assert (others.reason, another.reason) == ("PAGE_TOKEN_INVALID", "PAGE_TOKEN_INVALID")


async def test_what_a_streak_was_on_a_day_as_it_was_known_at_a_time(
    explanations: Explanations, me: Metadata, apply: Apply, engine: Engine
) -> None:
    facts = history(1, days(5, 4, 3, 2, 1))
    apply(*facts)
    noon = datetime(2026, 2, 20, 12, tzinfo=UTC)
    # The session of three days ago was told two days late.
    for fact in facts:
        received(engine, fact, fact.end_time + timedelta(days=2 if fact == facts[2] else 0, minutes=1))

    async def streak_on(day: date, known: datetime | None) -> tuple[int, str, str]:
        request = pb.ExplainStreakRequest(product="focus", on_date=day.isoformat())
        if known is not None:
            request.as_of_time.CopyFrom(at(known))
        told = await explanations.ExplainStreak(request, metadata=me)
        return told.streak.current, told.streak.start_date, told.run.end_date

    assert await streak_on(TODAY, None) == (5, "2026-02-15", "")
    assert await streak_on(TODAY - timedelta(days=2), None) == (4, "2026-02-15", "")
    before, after = noon - timedelta(days=1, hours=12), noon - timedelta(hours=12)
    assert await streak_on(TODAY - timedelta(days=2), before) == (1, "2026-02-18", "")
    assert await streak_on(TODAY - timedelta(days=2), after) == (4, "2026-02-15", "")
    # Without a day, it is the day that it was then.
    request = pb.ExplainStreakRequest(product="focus", as_of_time=at(before))
    told = await explanations.ExplainStreak(request, metadata=me)
    assert (told.on_date, told.as_of_time) == ("2026-02-19", at(before))


async def test_a_repair_is_not_known_before_it_was_made(
    explanations: Explanations,
    operators: StreakOperators,
    me: Metadata,
    internal: Metadata,
    apply: Apply,
    engine: Engine,
) -> None:
    facts = history(1, days(3, 1))
    apply(*facts)
    for fact in facts:
        received(engine, fact, fact.end_time)
    await operators.RepairStreak(
        streak_service_pb.RepairStreakRequest(
            user_id=1, product="focus", date="2026-02-18", actor="op@example.com", reason="our outage"
        ),
        metadata=internal,
    )
    recorded = datetime(2026, 2, 20, 11, tzinfo=UTC)
    with engine.begin() as connection:
        connection.execute(update(streak_entry).values(recorded_at=recorded))
    request = pb.ExplainBreakRequest(product="focus", date="2026-02-18")
    kept = await explanations.ExplainBreak(request, metadata=me)
    assert (kept.verdict, kept.days[1].keep_reason) == (
        Verdict.VERDICT_KEPT,
        streak_pb2.KEEP_REASON_REPAIR,
    )
    # Why, but not who.
    assert (kept.days[1].keep_entry.reason, kept.days[1].keep_entry.actor) == ("our outage", "")
    request.as_of_time.CopyFrom(at(recorded - timedelta(seconds=1)))
    broke = await explanations.ExplainBreak(request, metadata=me)
    assert broke.verdict == Verdict.VERDICT_BROKE


async def test_why_a_streak_broke_is_told_with_the_days_around(
    explanations: Explanations, me: Metadata, apply: Apply
) -> None:
    left_out = completion(
        user_id=1, user_seq=9, local_date=days(2)[0], outcome="abandoned", counts=False, rollover_hour=4
    )
    apply(*history(1, days(4, 3, 1), rollover_hour=4), left_out)
    request = pb.ExplainBreakRequest(product="focus", date="2026-02-18")
    told = await explanations.ExplainBreak(request, metadata=me)
    assert told.verdict == Verdict.VERDICT_BROKE
    assert told.paragraph == (
        "Your focus streak of 2 days began on 16 February 2026 and ended when 18 February 2026 passed without"
        " practice that counts: it was no rest day, no pause was planned, nothing else kept it, and no"
        " freeze was held. What was practised on that day was abandoned, which does not count. The day ran by"
        f" the clock of UTC, turning at 04:00, under version {RULES_VERSION} of the rules."
    )
    assert (told.run.length, told.run.end_date, told.calendar.rollover_hour) == (2, "2026-02-18", 4)
    around = [(day.date, day.status, [session.counts for session in day.sessions]) for day in told.days]
    assert around == [
        ("2026-02-17", Day.STATUS_PRACTISED, [True]),
        ("2026-02-18", Day.STATUS_MISSED, [False]),
        ("2026-02-19", Day.STATUS_PRACTISED, [True]),
    ]


@pytest.mark.parametrize("text", ["0001-01-01", "9999-12-31", "2026-02-30"])
async def test_a_day_without_neighbours_is_refused(
    explanations: Explanations, me: Metadata, text: str
) -> None:
    refused = await refusal(explanations.ExplainBreak(pb.ExplainBreakRequest(date=text), metadata=me))
    assert refused.code == grpc.StatusCode.INVALID_ARGUMENT


async def test_a_day_to_come_has_no_streak_yet(explanations: Explanations, me: Metadata) -> None:
    request = pb.ExplainStreakRequest(on_date="2026-02-21")
    refused = await refusal(explanations.ExplainStreak(request, metadata=me))
    assert (refused.reason, refused.metadata["latest"]) == ("DATE_OUT_OF_RANGE", "2026-02-20")


async def test_a_badge_is_explained_by_the_session_that_earned_it(
    explanations: Explanations, me: Metadata, apply: Apply, fresh_database_url: str
) -> None:
    await publish(
        fresh_database_url,
        badge("three", 3),
        badge("streak", 2, "best_streak", condition="focus.best_streak >= 2 && session.hour < 20"),
        badge("far", 99),
        badge("secret", 99, hidden=True),
    )
    facts = history(1, days(9, 4, 3, 1), local_minute=745)
    apply(*facts)

    async def explain(badge_id: str) -> pb.ExplainBadgeResponse:
        return await explanations.ExplainBadge(pb.ExplainBadgeRequest(badge_id=badge_id), metadata=me)

    three, streak, far = [await explain(badge_id) for badge_id in ("three", "streak", "far")]
    for told in (three, streak):
        assert (told.earned, told.session.session_id, told.badge.version) == (True, facts[2].session_id, 1)
    assert [(each.name, each.value) for each in streak.values] == [
        ("focus.best_streak", "2"),
        ("session.hour", "12"),
    ]
    assert three.paragraph == (
        f"You earned “Three” with session {facts[2].session_id} of focus, which ended on 17 February 2026"
        f" (UTC): it asks for focus.sessions >= 3, and focus.sessions was 3."
    )
    assert (far.earned, far.session.session_id, far.values[0].value) == (False, facts[3].session_id, "4")
    assert far.catalogue_revision == 1
    for unknown in ("secret", "none"):
        refused = await refusal(explain(unknown))
        assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "BADGE_NOT_FOUND")


async def test_a_badge_of_somebody_without_practice_is_explained_too(
    explanations: Explanations, me: Metadata, fresh_database_url: str
) -> None:
    await publish(fresh_database_url, badge("three", 3))
    told = await explanations.ExplainBadge(pb.ExplainBadgeRequest(badge_id="three"), metadata=me)
    assert (told.earned, told.HasField("session"), list(told.values)) == (False, False, [])


async def test_a_total_is_explained_by_days_and_by_what_is_not_in_it(
    explanations: Explanations, me: Metadata, apply: Apply
) -> None:
    outside = [
        completion(user_id=1, user_seq=8, local_date=days(6)[0], outcome="abandoned", counts=False),
        completion(user_id=1, user_seq=9, local_date=days(0)[0], outcome="partial", counts=False),
        completion(user_id=1, user_seq=10, local_date=days(0)[0], product="yoga"),
    ]
    apply(*history(1, days(5, 2, 1), answer_count=2, correct_answer_count=1), *outside)
    request = pb.ExplainTotalRequest(product="focus", page_size=2)
    first = await explanations.ExplainTotal(request, metadata=me)
    assert first.paragraph == (
        "Your focus total is made of 3 sessions on 3 days from 15 February 2026 to 19 February 2026: 1 h 15"
        " min practised, 6 answers, 3 of them right. Not in it: 2 sessions that ended in a way that does not"
        " count (1 abandoned, 1 partial)."
    )
    assert (first.totals.session_count, first.totals.day_count, first.left_out_count) == (3, 3, 2)
    request.page_token = first.next_page_token
    second = await explanations.ExplainTotal(request, metadata=me)
    assert [[day.date for day in page.days] for page in (first, second)] == [
        ["2026-02-15", "2026-02-18"],
        ["2026-02-19"],
    ]
    assert [(each.session.session_id, each.reason) for page in (first, second) for each in page.left_out] == [
        (outside[0].session_id, explanation_pb2.LEFT_OUT_ABANDONED),
        (outside[1].session_id, explanation_pb2.LEFT_OUT_OUTCOME),
    ]
    assert second.next_page_token == ""
    everything = await explanations.ExplainTotal(pb.ExplainTotalRequest(), metadata=me)
    assert everything.totals.session_count == 4


async def test_a_total_of_nothing_is_explained(explanations: Explanations, me: Metadata) -> None:
    told = await explanations.ExplainTotal(pb.ExplainTotalRequest(product="yoga"), metadata=me)
    assert told.paragraph == "Your yoga total is empty: no practice is known that counts."


async def test_a_total_is_what_it_was_known_to_be(
    explanations: Explanations, me: Metadata, apply: Apply, engine: Engine
) -> None:
    facts = history(1, days(2, 1))
    apply(*facts)
    for fact in facts:
        received(engine, fact, fact.end_time)
    request = pb.ExplainTotalRequest(as_of_time=at(facts[0].end_time))
    assert (await explanations.ExplainTotal(request, metadata=me)).totals.session_count == 1


async def test_operators_ask_about_anybody_and_see_who_did_what(
    admin_explanations: Admin,
    explanations: Explanations,
    operators: StreakOperators,
    me: Metadata,
    internal: Metadata,
    apply: Apply,
    fresh_database_url: str,
) -> None:
    await publish(fresh_database_url, badge("one", 1))
    apply(*history(1, days(3, 1)))
    repair: Any = {"user_id": 1, "product": "focus", "date": "2026-02-18", "actor": "op", "reason": "outage"}
    await operators.RepairStreak(streak_service_pb.RepairStreakRequest(**repair), metadata=internal)
    streak = await admin_explanations.ExplainUserStreak(
        pb.ExplainUserStreakRequest(user_id=1, question=pb.ExplainStreakRequest(product="focus")),
        metadata=internal,
    )
    own = await explanations.ExplainStreak(pb.ExplainStreakRequest(product="focus"), metadata=me)
    assert (streak.paragraph, streak.days[1].keep_entry.actor) == (own.paragraph, "op")
    broke = await admin_explanations.ExplainUserBreak(
        pb.ExplainUserBreakRequest(user_id=1, question=pb.ExplainBreakRequest(date="2026-02-18")),
        metadata=internal,
    )
    assert broke.verdict == Verdict.VERDICT_BROKE
    earned = await admin_explanations.ExplainUserBadge(
        pb.ExplainUserBadgeRequest(user_id=1, question=pb.ExplainBadgeRequest(badge_id="one")),
        metadata=internal,
    )
    assert earned.earned
    total = await admin_explanations.ExplainUserTotal(
        pb.ExplainUserTotalRequest(user_id=1), metadata=internal
    )
    assert total.totals.session_count == 2
    refused = await refusal(
        admin_explanations.ExplainUserTotal(pb.ExplainUserTotalRequest(user_id=1), metadata=me)
    )
    assert refused.reason == "NOT_PERMITTED"


async def test_of_a_day_with_many_sessions_the_first_ten_are_shown(
    explanations: Explanations, me: Metadata, apply: Apply
) -> None:
    facts = history(1, [TODAY] * 12)
    apply(*(replace(fact, user_seq=seq) for seq, fact in enumerate(facts, start=1)))
    told = await explanations.ExplainStreak(pb.ExplainStreakRequest(), metadata=me)
    shown = [session.session_id for session in told.days[0].sessions]
    in_order = sorted(facts, key=lambda fact: fact.moment)
    assert (told.days[0].session_count, shown) == (12, [fact.session_id for fact in in_order[:10]])
