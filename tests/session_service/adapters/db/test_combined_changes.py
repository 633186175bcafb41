"""Sessions are paused, resumed and ended together, and each caller is told what became of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert, select

from service_kit.call import Call, RequestIdentity
from service_kit.errors import AccountErasedError, ConflictError
from session_service.adapters.db import tables
from session_service.adapters.events import encode
from session_service.application.complete_session import Ended, SummedUp
from session_service.application.ports.sessions import SessionRef, Summary
from session_service.domain.answers import SubmittedAnswer
from session_service.domain.days import Calendar
from session_service.domain.errors import EtagMismatchError, SessionEndedError, SessionNotFoundError
from session_service.domain.events import ENDED, SessionEnded
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import State
from tests.session_service.adapters.db.lots import count_lots, note_written
from tests.session_service.database import Database

NewUser = Callable[[], int]


@pytest.fixture
def lots(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    return count_lots(database.changes, monkeypatch)


@pytest.fixture
def committed(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    return note_written(database.changes, monkeypatch)


async def begin(
    database: Database, user_id: int, *, product: str = "exercises", known: bool = True
) -> PracticeSession:
    """A session of somebody of whom the service knows where they live."""
    if known:
        await database.use.remember_calendar(user_id, "Asia/Tokyo", None)
    planned = 1500 if product == "focus" else None
    started = await database.use.start_session(Call(user_id), product=product, planned_seconds=planned)
    return started.session


def call_of(session: PracticeSession, key: str = "", asked: str = "") -> Call:
    request = RequestIdentity(key, "/x/Y", asked.encode().ljust(32)) if key else None
    return Call(session.user_id, request=request)


async def complete(database: Database, session: PracticeSession, call: Call | None = None) -> Ended:
    return await database.use.complete_session(call or call_of(session), SessionRef(session.id))


async def check_ended(database: Database, ended: PracticeSession, change_count: int = 1) -> None:
    """The end, its place, its event and its entry in the journal are there, and what was told is stored."""
    assert await database.readers.get(ended.user_id, SessionRef(ended.id)) == ended
    payload = encode(SessionEnded.of(ended))
    assert await database.column("outbox", "payload", aggregate_id=ended.id, kind=ENDED) == [payload]
    entries = await database.readers.journal(ended.user_id, ended.id, 0)
    assert [entry.sequence for entry in entries] == list(range(2, change_count + 2))
    assert (entries[-1].change.value, entries[-1].state) == ("ended", ended.state)
    assert (entries[-1].answer_count, entries[-1].at) == (ended.answer_count, ended.updated_at)
    assert entries[-1].elapsed_seconds == ended.elapsed_seconds


async def test_of_64_callers_each_gets_what_they_would_get_alone(
    database: Database, new_user: NewUser, lots: list[int], committed: list[int]
) -> None:
    plain = [await begin(database, new_user()) for _ in range(16)]
    keyed = [await begin(database, new_user()) for _ in range(6)]
    unknown = [await begin(database, new_user(), known=False) for _ in range(4)]
    given_up = [await begin(database, new_user(), product="focus") for _ in range(4)]
    paused = [await begin(database, new_user(), product="focus") for _ in range(4)]
    ended = [await begin(database, new_user()) for _ in range(6)]
    left = [await begin(database, new_user()) for _ in range(4)]
    for session in ended:
        await complete(database, session)
    lots.clear()
    committed.clear()
    database.told.published.clear()

    calls: list[Any] = [
        *(complete(database, session) for session in plain),
        *(complete(database, session, call_of(session, "k")) for session in keyed for _ in range(2)),
        *(complete(database, session) for session in unknown),
        *(
            database.use.abandon_session(call_of(session), SessionRef(session.id), reported=5)
            for session in given_up
        ),
        *(
            database.use.pause_session(call_of(session, "p"), SessionRef(session.id), reported=7)
            for session in paused
        ),
        *(complete(database, session, Call(new_user())) for session in plain[:6]),
        *(complete(database, session) for session in ended),
        *(
            database.use.pause_session(call_of(session), SessionRef(session.id), etag='"9"')
            for session in plain[:8]
        ),
    ]
    cancelled = [asyncio.create_task(complete(database, session)) for session in left]
    running = asyncio.gather(*calls, return_exceptions=True)
    await asyncio.sleep(0)
    for task in cancelled:
        task.cancel()
    outcomes: list[Any] = list(await running)
    await asyncio.gather(*cancelled, return_exceptions=True)

    assert len(calls) + len(cancelled) == 64
    assert max(lots) >= 40
    assert set(committed) >= {each.id for each in [*plain, *keyed, *given_up, *paused]}
    done, repeats, first_ends, abandoned = outcomes[:16], outcomes[16:28], outcomes[28:32], outcomes[32:36]
    resting, strangers, too_late, outdated = outcomes[36:40], outcomes[40:46], outcomes[46:52], outcomes[52:]
    assert repeats[::2] == repeats[1::2]
    for each in [*done, *repeats[::2], *first_ends]:
        assert each.session.user_seq == await _last_seq(database, each.session.user_id)
        await check_ended(database, each.session)
    for each in abandoned:
        assert (each.state, each.elapsed_seconds, each.time_zone) == (State.ABANDONED, 5, "Asia/Tokyo")
        await check_ended(database, each)
    for each in resting:
        assert (each.state, each.elapsed_seconds) == (State.PAUSED, 7)
        assert await database.readers.get(each.user_id, SessionRef(each.id)) == each
    assert {type(error) for error in strangers} == {SessionNotFoundError}
    assert {type(error) for error in too_late} == {SessionEndedError}
    assert {type(error) for error in outdated} <= {EtagMismatchError, SessionEndedError}
    published = [event.event_id for event in database.told.published]
    assert len(published) == len(set(published))
    for session in left:
        state = (await database.readers.get(session.user_id, SessionRef(session.id))).state
        assert await database.count("outbox", aggregate_id=session.id, kind=ENDED) == (
            state is State.COMPLETED
        )


async def _last_seq(database: Database, user_id: int) -> object:
    (seq,) = await database.column("learner", "last_seq", user_id=user_id)
    return seq


async def test_an_end_together_is_the_same_as_an_end_alone(
    database: Database, new_user: NewUser, committed: list[int]
) -> None:
    """But for who they are of, by which product's rules ever: the totals of the learner, too."""
    for product in ("exercises", "focus", "yoga"):
        together, alone = [await begin(database, new_user(), product=product) for _ in range(2)]
        reported = None if product == "exercises" else 90
        committed.clear()
        for session, call in (
            (together, Call(together.user_id)),
            (alone, Call(alone.user_id, time_zone="Europe/Oslo")),
        ):
            await database.use.complete_session(call, SessionRef(session.id), reported=reported)
        assert committed == [together.id]
        stored = [await database.readers.get(each.user_id, SessionRef(each.id)) for each in (together, alone)]
        assert [each.elapsed_seconds for each in stored] == [stored[0].elapsed_seconds] * 2
        assert [each.version for each in stored] == [2, 2]
        assert [each.time_zone for each in stored] == ["Asia/Tokyo", "Europe/Oslo"]
        for each in stored:
            assert each.ended_at is not None
            assert each.local_date == Calendar(each.time_zone).local_date(each.ended_at)
            summary = await database.readers.summary(each.user_id, product)
            assert (summary.started, summary.completed) == (1, 1)


async def test_a_session_goes_on_after_each_pause_with_its_time_and_its_answers(
    database: Database, user_id: int, committed: list[int]
) -> None:
    session = await begin(database, user_id, product="focus")
    ref, call = SessionRef(session.id), Call(user_id)
    for number in (10, 20):
        paused = await database.use.pause_session(call, ref, reported=number)
        assert (await database.use.pause_session(call, ref, reported=number)).state is State.PAUSED
        resumed = await database.use.resume_session(call, ref)
        # What goes on already does not change.
        assert await database.use.resume_session(call, ref) == resumed
        assert resumed.version > paused.version
        assert await database.readers.get(user_id, ref) == resumed
    ended = (await database.use.complete_session(call, ref, reported=30)).session
    await check_ended(database, ended, ended.version - 1)
    assert len(committed) == ended.version - 1


async def test_answers_and_an_end_at_once_are_counted_in_it_or_refused(
    database: Database, new_user: NewUser
) -> None:
    sessions = [await begin(database, new_user()) for _ in range(12)]
    answer = [SubmittedAnswer("exercises/1", "hable")]
    calls = [
        call
        for session in sessions
        for call in (
            database.use.submit_answers(Call(session.user_id), SessionRef(session.id), answer),
            complete(database, session),
        )
    ]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    for answered, ended in zip(outcomes[::2], outcomes[1::2], strict=True):
        assert isinstance(ended, Ended)
        accepted = not isinstance(answered, BaseException)
        assert accepted or isinstance(answered, SessionEndedError)
        assert ended.session.answer_count == accepted
        await check_ended(database, ended.session, 1 + accepted)


async def test_ends_of_one_learner_are_numbered_in_their_order(database: Database, user_id: int) -> None:
    sessions = [await begin(database, user_id) for _ in range(10)]
    before = await _last_seq(database, user_id)
    assert isinstance(before, int)
    ended = await asyncio.gather(*(complete(database, session) for session in sessions))
    numbers = list(range(before + 1, before + 11))
    assert sorted(each.session.user_seq for each in ended) == numbers
    assert await _last_seq(database, user_id) == numbers[-1]


async def test_one_key_for_two_sessions_at_once_ends_one_of_them(
    database: Database, user_id: int, committed: list[int]
) -> None:
    one, other = [await begin(database, user_id) for _ in range(2)]
    outcomes = await asyncio.gather(
        complete(database, one, call_of(one, "same", "one")),
        complete(database, other, call_of(other, "same", "other")),
        return_exceptions=True,
    )
    assert committed == [one.id]
    assert isinstance(outcomes[0], Ended)
    assert isinstance(outcomes[1], ConflictError)
    assert (await database.readers.get(user_id, SessionRef(other.id))).state is State.ACTIVE


async def test_nobody_waits_for_a_session_or_a_learner_that_somebody_holds(
    database: Database, new_user: NewUser, lots: list[int], committed: list[int]
) -> None:
    sessions = [await begin(database, new_user()) for _ in range(6)]
    session, learner, total = tables.practice_session, tables.learner, tables.session_total
    async with database.engine.connect() as holder:
        await holder.execute(select(session.c.id).where(session.c.id == sessions[0].id).with_for_update())
        held = select(learner.c.user_id).where(learner.c.user_id == sessions[1].user_id)
        await holder.execute(held.with_for_update())
        # As of somebody whose start goes on.
        counted = select(total.c.user_id).where(total.c.user_id == sessions[2].user_id)
        await holder.execute(counted.with_for_update())
        tasks = [asyncio.create_task(complete(database, each)) for each in sessions]
        ended = await asyncio.gather(*tasks[3:])
        await database.until_waiting(3)
        assert not any(task.done() for task in tasks[:3])
        assert sorted(committed) == sorted(each.session.id for each in ended)
    for each in [*ended, *(await asyncio.gather(*tasks[:3]))]:
        await check_ended(database, each.session)
    assert lots == [6]


async def test_a_poisoned_call_fails_alone(
    database: Database, new_user: NewUser, lots: list[int], committed: list[int]
) -> None:
    """An account that is erased at this moment: the database refuses its rows, whatever brings them."""
    sessions = [await begin(database, new_user()) for _ in range(8)]
    async with database.engine.begin() as connection:
        erased = {"user_id": sessions[3].user_id, "request_id": "r"}
        await connection.execute(insert(tables.erased_user).values(erased))
    outcomes = await asyncio.gather(*(complete(database, each) for each in sessions), return_exceptions=True)
    assert (lots, committed) == ([8], [])
    assert isinstance(outcomes.pop(3), AccountErasedError)
    for each in outcomes:
        assert isinstance(each, Ended)
        await check_ended(database, each.session)
    assert (await database.readers.get(sessions[3].user_id, SessionRef(sessions[3].id))).state is State.ACTIVE
    assert await database.count("outbox", aggregate_id=sessions[3].id, kind=ENDED) == 0


async def sum_up(
    database: Database, session: PracticeSession, outcome: State = State.COMPLETED, call: Call | None = None
) -> SummedUp:
    ref = SessionRef(session.id)
    return await database.use.complete_with_summary(
        call or call_of(session), ref, outcome=outcome, reported=90
    )


async def test_ends_that_are_summed_up_together_tell_the_figures_that_each_alone_would(
    database: Database, new_user: NewUser, lots: list[int], committed: list[int]
) -> None:
    learners = [new_user() for _ in range(6)]
    for user_id in learners:
        await sum_up(database, await begin(database, user_id, product="yoga"))
    sessions = [await begin(database, user_id, product="yoga") for user_id in learners]
    other = await begin(database, new_user())
    lots.clear()
    committed.clear()
    keyed = call_of(sessions[0], "k")
    first, *rest, given_up, _ = await asyncio.gather(
        sum_up(database, sessions[0], call=keyed),
        *(sum_up(database, session) for session in sessions[1:-1]),
        sum_up(database, sessions[-1], State.ABANDONED),
        complete(database, other),
    )
    assert lots == [7]
    assert sorted(committed) == sorted(each.id for each in [*sessions, other])
    assert {each.summary for each in [first, *rest]} == {Summary(2, 2, 180)}
    assert given_up.summary == Summary(2, 1, 90)
    for each in [first, *rest, given_up]:
        await check_ended(database, each.session)
        assert await database.readers.summary(each.session.user_id, "yoga") == each.summary
    await sum_up(database, await begin(database, learners[0], product="yoga"))
    assert await sum_up(database, sessions[0], call=keyed) == first


async def test_figures_that_changed_since_they_were_read_are_read_again(
    database: Database, user_id: int, committed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await begin(database, user_id, product="yoga")
    read = database.changes.read

    async def read_before_a_start(asked: Any) -> Any:
        found = await read(asked)
        await begin(database, user_id, product="yoga")
        return found

    monkeypatch.setattr(database.changes, "read", read_before_a_start)
    ended = await sum_up(database, session)
    assert committed == []
    assert ended.summary == Summary(2, 1, 90)
    await check_ended(database, ended.session)


async def test_of_ends_of_one_learner_at_once_each_is_summed_up_with_those_before_it(
    database: Database, user_id: int
) -> None:
    sessions = [await begin(database, user_id, product="yoga") for _ in range(6)]
    ended = await asyncio.gather(*(sum_up(database, session) for session in sessions))
    in_turn = sorted(ended, key=lambda each: each.session.user_seq)
    assert [each.summary for each in in_turn] == [Summary(6, number, 90 * number) for number in range(1, 7)]
