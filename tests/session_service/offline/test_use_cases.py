"""Merging what was practised offline: each item once, and for itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service_kit.call import Call
from service_kit.errors import ConflictError, UnavailableError
from session_service.application.ports.sessions import SessionRef
from session_service.domain.answers import SubmittedAnswer
from session_service.domain.days import Calendar
from session_service.domain.events import SessionEnded
from session_service.domain.learner import CalendarChange
from session_service.domain.states import Change, State
from session_service.offline.domain import (
    OfflineAnswer,
    OfflineItemInvalidError,
    OfflineSession,
    RefusedAnswer,
    SyncOutcome,
)
from session_service.offline.use_cases import Synced, UnreadableItem
from tests.session_service.memory.world import World, keyed
from tests.session_service.offline import items as offline

ME = Call(5)
NOW = datetime(2026, 2, 18, 8, 0, tzinfo=UTC)
ENDED = NOW - timedelta(days=2)
MERGED, KNOWN, REFUSED, CONFLICT = SyncOutcome


def outcomes(synced: Synced) -> list[SyncOutcome]:
    return [result.outcome for result in synced.results]


def reasons(synced: Synced) -> list[str]:
    return [result.refusal.reason if result.refusal else "" for result in synced.results]


def answered(count: int, text: str = "hable") -> tuple[OfflineAnswer, ...]:
    return tuple(
        offline.answer(ENDED - timedelta(seconds=count - number), f"exercises/{number}", text)
        for number in range(1, count + 1)
    )


async def test_a_session_arrives_ended_graded_and_told_in_one_commit(world: World) -> None:
    told = offline.session(ENDED, answers=(*answered(2), offline.answer(ENDED, "exercises/3", "no")))
    synced = await world.sync_sessions(ME, [told])
    (result,) = synced.results
    assert (result.client_id, result.outcome) == (told.client_id, MERGED)
    session = world.tables.sessions[result.session_id]
    assert (session.state, session.answer_count, session.correct_answer_count) == (State.COMPLETED, 3, 2)
    assert (session.right_run, session.user_seq) == (0, 1)
    assert world.tables.outbox == [SessionEnded.of(session)]
    recorded = world.tables.answers[session.id, told.answers[0].answer_id]  # type: ignore[union-attr]
    assert (recorded.answered_at, recorded.correct) == (ENDED - timedelta(seconds=1), True)
    assert world.changes(session.id) == []
    assert world.store.commits == 1
    assert (synced.user_seq, synced.statistics_pending) == (1, False)
    assert world.statistics.waited_for == [(5, 1)]


async def test_the_zone_is_the_devices_and_the_accounts_stays(world: World) -> None:
    world.tables.calendars[5] = Calendar("America/New_York", 4)
    at_night = datetime(2026, 2, 15, 18, 30, tzinfo=UTC)
    synced = await world.sync_sessions(ME, [offline.session(at_night, time_zone="Asia/Tokyo")])
    session = world.tables.sessions[synced.results[0].session_id]
    assert (session.time_zone, session.rollover_hour) == ("Asia/Tokyo", 4)
    assert str(session.local_date) == "2026-02-15"
    assert world.tables.calendars[5] == Calendar("America/New_York", 4)
    assert world.tables.calendar_changes == []


async def test_the_hour_at_which_days_turn_is_the_one_in_force_when_the_session_ended(world: World) -> None:
    changed_at = NOW - timedelta(days=1)
    for seq, (since, hour) in enumerate([(NOW - timedelta(days=9), 4), (changed_at, 0)], 1):
        change = CalendarChange(
            user_id=5, user_seq=seq, effective_at=since, calendar=Calendar("Europe/Madrid", hour)
        )
        world.tables.calendar_changes.append(change)
        world.tables.calendars[5] = change.calendar
    nights = [
        datetime(2026, 2, 8, 1, 30, tzinfo=UTC),
        datetime(2026, 2, 16, 1, 30, tzinfo=UTC),
        changed_at,
        datetime(2026, 2, 18, 1, 30, tzinfo=UTC),
    ]
    synced = await world.sync_sessions(ME, [offline.session(ended) for ended in nights])
    sessions = [world.tables.sessions[result.session_id] for result in synced.results]
    assert [(str(session.local_date), session.rollover_hour) for session in sessions] == [
        ("2026-02-08", 0),
        ("2026-02-15", 4),
        ("2026-02-17", 0),
        ("2026-02-18", 0),
    ]


async def test_sent_twice_in_parts_and_mixed_everything_is_merged_once(world: World) -> None:
    items = [offline.session(ENDED + timedelta(minutes=n), answers=answered(1)) for n in range(6)]
    assert outcomes(await world.sync_sessions(ME, items[:3])) == [MERGED] * 3
    assert outcomes(await world.sync_sessions(ME, items[4:1:-1])) == [MERGED, MERGED, KNOWN]
    last = await world.sync_sessions(ME, items)
    assert outcomes(last) == [*[KNOWN] * 5, MERGED]
    assert (last.user_seq, len(world.tables.outbox), len(world.tables.sessions)) == (6, 6, 6)
    before = world.store.committed
    again = await world.sync_sessions(ME, items)
    assert outcomes(again) == [KNOWN] * 6
    assert [result.session_id for result in again.results] == [r.session_id for r in last.results]
    assert world.store.committed == before


async def test_an_item_twice_in_one_call_is_merged_once(world: World) -> None:
    told = offline.session(ENDED)
    synced = await world.sync_sessions(ME, [told, told, replace(told, note="Another")])
    assert outcomes(synced) == [MERGED, KNOWN, CONFLICT]
    assert len(world.tables.sessions) == 1


async def test_an_id_with_other_content_is_a_conflict_and_what_is_on_record_stays(world: World) -> None:
    told = offline.session(ENDED)
    await world.sync_sessions(ME, [told])
    other = replace(told, outcome=State.ABANDONED)
    for _ in range(2):
        synced = await world.sync_sessions(ME, [other])
        assert (outcomes(synced), reasons(synced)) == ([CONFLICT], ["CLIENT_ID_REUSED"])
    assert world.tables.sessions[1].state is State.COMPLETED
    assert outcomes(await world.sync_sessions(ME, [told])) == [KNOWN]


async def test_the_same_id_of_another_person_is_another_item(world: World) -> None:
    told = offline.session(ENDED)
    await world.sync_sessions(ME, [told])
    assert outcomes(await world.sync_sessions(Call(6), [replace(told, note="Mine")])) == [MERGED]


async def test_bad_items_keep_no_good_one_from_being_merged(world: World) -> None:
    error = OfflineItemInvalidError("start_time", "no time")
    synced = await world.sync_sessions(
        ME,
        [
            offline.session(ENDED),
            UnreadableItem("x", error),
            offline.session(ENDED, product="chess"),
            offline.session(ENDED, time_zone="Mars/Olympus"),
            offline.session(ENDED, product="yoga", content="sequences/404"),
            offline.session(NOW + timedelta(hours=2)),
            offline.session(ENDED, product="yoga", content="sequences/123"),
        ],
    )
    assert outcomes(synced) == [MERGED, *[REFUSED] * 5, MERGED]
    assert reasons(synced)[1:6] == [
        "FIELD_INVALID",
        "PRODUCT_UNKNOWN",
        "TIME_ZONE_UNKNOWN",
        "CONTENT_NOT_FOUND",
        "TIME_OUT_OF_RANGE",
    ]
    assert [event.user_seq for event in world.tables.outbox] == [1, 2]
    assert world.tables.sessions[2].content_title == "Sequences/123"


async def test_what_was_refused_may_be_sent_again_corrected_or_in_time(world: World) -> None:
    early = offline.session(NOW + timedelta(hours=2))
    wrong = offline.session(ENDED, time_zone="Mars/Olympus")
    assert outcomes(await world.sync_sessions(ME, [early, wrong])) == [REFUSED] * 2
    world.clock.advance(3 * 3600)
    corrected = replace(wrong, time_zone="Asia/Tokyo")
    assert outcomes(await world.sync_sessions(ME, [early, corrected])) == [MERGED] * 2


async def test_what_is_on_record_stays_known_when_it_is_too_old_and_its_content_is_gone(world: World) -> None:
    told = offline.session(ENDED, "yoga", content="sequences/123")
    await world.sync_sessions(ME, [told])
    world.clock.advance(timedelta(days=60).total_seconds())
    world.catalog.contents.clear()
    world.catalog.down = True
    assert outcomes(await world.sync_sessions(ME, [told])) == [KNOWN]


async def test_an_open_session_is_not_disturbed(world: World) -> None:
    live = await world.start("focus")
    told = offline.session(ENDED, "focus")
    overlapping = offline.session(ENDED + timedelta(minutes=1), "focus")
    assert outcomes(await world.sync_sessions(ME, [told, overlapping])) == [MERGED] * 2
    assert world.tables.sessions[live.id] == live


async def test_refused_answers_are_told_each_time_and_the_session_is_merged(world: World) -> None:
    good = offline.answer(ENDED)
    told = offline.session(
        ENDED,
        answers=(
            RefusedAnswer("unreadable", "FIELD_INVALID"),
            offline.answer(ENDED, "exercises/404"),
            offline.answer(ENDED, text="x" * 1_001),
            good,
            good,
            replace(good, text="other"),
            offline.answer(ENDED, answered_at=NOW + timedelta(hours=2)),
            offline.answer(ENDED, session_id=1),
        ),
    )
    expected = [
        "FIELD_INVALID",
        "ITEM_NOT_FOUND",
        "FIELD_INVALID",
        "ANSWER_ID_REUSED",
        "TIME_OUT_OF_RANGE",
        "FIELD_INVALID",
    ]
    for outcome in (MERGED, KNOWN):
        (result,) = (await world.sync_sessions(ME, [told])).results
        assert result.outcome is outcome
        assert [answer.reason for answer in result.refused_answers] == expected
        assert result.refused_answers[3].answer_id == good.answer_id
    assert world.tables.sessions[1].answer_count == len(world.tables.answers) == 1


async def test_where_items_are_picked_those_answered_are_the_sessions(world: World) -> None:
    given = [("words/2", "hable"), ("words/1", "no"), ("words/2", "no"), ("words/1", "hable")]
    answers = tuple(offline.answer(ENDED, item, text) for item, text in given)
    synced = await world.sync_sessions(ME, [offline.session(ENDED, "portal", answers=answers)])
    session = world.tables.sessions[synced.results[0].session_id]
    assert (session.item_count, session.answered_item_count, session.mastered_item_count) == (2, 2, 0)
    items = [world.tables.items[session.id, position] for position in (1, 2)]
    assert [(item.item, item.prompt, item.attempt_count) for item in items] == [
        ("words/2", "word 2", 2),
        ("words/1", "word 1", 2),
    ]


async def test_many_sessions_are_merged_in_commits_of_some_hundreds(world: World) -> None:
    items = [offline.session(ENDED + timedelta(seconds=n)) for n in range(1_050)]
    assert outcomes(await world.sync_sessions(ME, items)) == [MERGED] * 1_050
    assert world.store.commits == 3
    assert [event.user_seq for event in world.tables.outbox] == list(range(1, 1_051))


async def test_sessions_with_many_answers_are_fewer_to_a_commit_and_to_a_turn(world: World) -> None:
    given = tuple(offline.answer(ENDED) for _ in range(500))
    items = [offline.session(ENDED, answers=given) for _ in range(20)]
    assert outcomes(await world.sync_sessions(ME, items)) == [MERGED] * 20
    assert world.store.commits == 7
    again = asyncio.ensure_future(world.sync_sessions(ME, items))
    turns_of_others = 0
    while not again.done():
        await asyncio.sleep(0)
        turns_of_others += 1
    assert outcomes(await again) == [KNOWN] * 20
    assert turns_of_others > 7


async def test_a_call_that_breaks_off_keeps_its_commits_and_a_repeat_completes_it(world: World) -> None:
    items = [offline.session(ENDED + timedelta(seconds=n)) for n in range(1_050)]
    opened = iter(range(3))

    def breaks() -> Any:
        if next(opened, None) is None:
            raise UnavailableError("gone")
        return world.unit_of_work()

    with pytest.raises(UnavailableError):
        await world.sync_on(breaks)(ME, items)
    assert len(world.tables.sessions) == 1_000
    assert outcomes(await world.sync_sessions(ME, items)) == [*[KNOWN] * 1_000, *[MERGED] * 50]
    assert [event.user_seq for event in world.tables.outbox] == list(range(1, 1_051))


async def test_a_catalog_that_is_away_fails_the_call_before_anything_is_merged(world: World) -> None:
    world.catalog.down = True
    with pytest.raises(UnavailableError):
        await world.sync_sessions(ME, [offline.session(ENDED)])
    assert world.store.commits == 0


async def test_an_answer_given_offline_goes_into_the_session_that_was_started_online(world: World) -> None:
    live = await world.start("exercises")
    given = offline.answer(NOW - timedelta(minutes=5), session_id=live.id)
    for outcome in (MERGED, KNOWN):
        synced = await world.sync_sessions(ME, [given])
        assert outcomes(synced) == [outcome]
        assert synced.results[0].session_id == live.id
    assert world.tables.answers[live.id, given.answer_id].answered_at == given.answered_at
    assert world.tables.sessions[live.id].answer_count == 1
    assert world.changes(live.id) == [Change.ANSWERED]


async def test_an_answer_that_got_there_online_is_known_and_another_under_its_id_a_conflict(
    world: World,
) -> None:
    live = await world.start("exercises")
    first, second = (offline.answer(NOW, session_id=live.id) for _ in range(2))
    online = [SubmittedAnswer(given.item, given.text, given.answer_id) for given in (first, second)]
    await world.use.submit_answers(ME, SessionRef(live.id), online)
    synced = await world.sync_sessions(ME, [first, replace(second, text="no")])
    assert (outcomes(synced), reasons(synced)) == ([KNOWN, CONFLICT], ["", "ANSWER_ID_REUSED"])
    assert world.tables.sessions[live.id].answer_count == 2


async def test_after_the_end_known_answers_stay_known_and_new_ones_are_refused(world: World) -> None:
    live = await world.start("exercises")
    synced_before, sent_before, late = (offline.answer(NOW, session_id=live.id) for _ in range(3))
    await world.sync_sessions(ME, [synced_before])
    online = SubmittedAnswer(sent_before.item, sent_before.text, sent_before.answer_id)
    await world.use.submit_answers(ME, SessionRef(live.id), [online])
    ended = (await world.use.complete_session(ME, SessionRef(live.id))).session
    synced = await world.sync_sessions(ME, [synced_before, sent_before, late])
    assert (outcomes(synced), reasons(synced)) == ([KNOWN, KNOWN, REFUSED], ["", "", "SESSION_ENDED"])
    assert world.tables.sessions[live.id] == ended


async def test_answers_are_refused_one_by_one(world: World) -> None:
    live = await world.start("exercises")
    strangers = await world.start("exercises", user_id=6)
    synced = await world.sync_sessions(
        ME,
        [
            offline.answer(NOW, session_id=strangers.id),
            offline.answer(NOW, "exercises/404", session_id=live.id),
            offline.answer(NOW, session_id=live.id, answered_at=NOW + timedelta(hours=2)),
            offline.answer(NOW, session_id=live.id),
            offline.answer(NOW, session_id=404),
            offline.answer(NOW),
        ],
    )
    assert outcomes(synced) == [REFUSED, REFUSED, REFUSED, MERGED, REFUSED, REFUSED]
    missing = "SESSION_NOT_FOUND"
    assert reasons(synced) == [missing, "ITEM_NOT_FOUND", "TIME_OUT_OF_RANGE", "", missing, missing]


async def test_an_id_names_one_item_be_it_a_session_or_an_answer(world: World) -> None:
    live = await world.start("exercises")
    other = await world.start("exercises")
    given = offline.answer(NOW, session_id=live.id)
    session = offline.session(ENDED, client_id=given.answer_id)
    await world.sync_sessions(ME, [given])
    synced = await world.sync_sessions(ME, [session, replace(given, session_id=other.id)])
    assert (outcomes(synced), reasons(synced)) == ([CONFLICT] * 2, ["CLIENT_ID_REUSED"] * 2)


async def test_a_repeat_under_the_same_key_gets_the_first_answer(world: World) -> None:
    told: list[OfflineSession] = [offline.session(ENDED), offline.session(ENDED, product="chess")]
    first = await world.sync_sessions(keyed("k"), told)
    assert outcomes(first) == [MERGED, REFUSED]
    assert await world.sync_sessions(keyed("k"), told) == first
    with pytest.raises(ConflictError):
        await world.sync_sessions(keyed("k", "something else"), told[:1])


async def test_statistics_that_are_late_are_told_to_be(world: World) -> None:
    world.statistics.late = True
    assert (await world.sync_sessions(ME, [offline.session(ENDED)])).statistics_pending
