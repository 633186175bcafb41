"""What the database decides when several connections want the same thing at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from service_kit.call import Call
from service_kit.errors import ConflictError, ServiceError
from session_service.adapters.db import tables
from session_service.application.ports.sessions import SessionRef
from session_service.application.start_session import OnConflict
from session_service.domain.answers import SubmittedAnswer
from session_service.domain.errors import EtagMismatchError, SessionAlreadyOpenError, SessionEndedError
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import State
from tests.session_service.database import Database
from tests.session_service.products import SHIPPED_PRODUCTS


async def at_once(calls: Iterable[Awaitable[Any]]) -> tuple[list[Any], list[ServiceError]]:
    """Returns what succeeded and what was refused; anything else is raised."""
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, ServiceError)]
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, ServiceError):
            raise outcome
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)], refused


async def release(
    database: Database, ref: SessionRef, calls: list[Awaitable[Any]]
) -> tuple[list[Any], list[Any]]:
    """Holds a session's row until every call waits for it, then lets them race."""
    table = tables.practice_session
    async with database.engine.connect() as holder:
        await holder.execute(select(table.c.id).where(table.c.id == ref.id).with_for_update())
        racing = asyncio.ensure_future(at_once(calls))
        await database.until_waiting(len(calls))
    return await racing


async def test_of_twenty_starts_at_once_one_opens_a_session_and_the_others_learn_which(
    database: Database, user_id: int
) -> None:
    started, refused = await at_once(
        database.use.start_session(Call(user_id), product="focus", planned_seconds=1500) for _ in range(20)
    )

    assert len(started) == 1
    assert len(refused) == 19
    assert {type(error) for error in refused} == {SessionAlreadyOpenError}
    assert {error.metadata["session"] for error in refused} == {f"sessions/{started[0].session.id}"}
    assert await database.count("practice_session", user_id=user_id) == 1


async def test_a_start_that_meets_an_uncommitted_one_waits_for_its_commit(
    database: Database, user_id: int
) -> None:
    fresh = await _fresh_focus(database, user_id)
    async with database.unit_of_work() as first:
        stored = await first.sessions.add(fresh)
        second = asyncio.create_task(
            at_once([database.use.start_session(Call(user_id), product="focus", planned_seconds=60)])
        )
        await database.until_waiting(1)
        await first.commit()

    started, refused = await second
    assert started == []
    assert stored is not None
    assert refused[0].metadata["session"] == f"sessions/{stored.id}"


async def test_a_start_that_meets_one_that_fails_opens_the_session(database: Database, user_id: int) -> None:
    fresh = await _fresh_focus(database, user_id)
    async with database.unit_of_work() as first:
        await first.sessions.add(fresh)
        second = asyncio.create_task(
            database.use.start_session(Call(user_id), product="focus", planned_seconds=60)
        )
        await database.until_waiting(1)

    assert (await second).session.planned_seconds == 60
    assert await database.count("practice_session", user_id=user_id) == 1


async def test_where_a_second_start_resumes_all_of_twenty_get_the_same_session(
    database: Database, user_id: int
) -> None:
    started, refused = await at_once(
        database.use.start_session(Call(user_id), product="design", content="problems/7") for _ in range(20)
    )

    assert refused == []
    assert len({outcome.session.id for outcome in started}) == 1
    assert Counter(outcome.resumed for outcome in started) == {False: 1, True: 19}


async def test_sessions_of_different_problems_do_not_meet(database: Database, user_id: int) -> None:
    started, _ = await at_once(
        database.use.start_session(Call(user_id), product="design", content=f"problems/{number}")
        for number in range(1, 11)
    )

    assert not any(outcome.resumed for outcome in started)
    assert len({outcome.session.id for outcome in started}) == 10


async def test_starts_at_once_that_abandon_the_open_one_leave_one_open_and_every_end_told(
    database: Database, user_id: int
) -> None:
    started, refused = await at_once(
        database.use.start_session(
            Call(user_id), product="focus", planned_seconds=60, on_conflict=OnConflict.ABANDON
        )
        for _ in range(8)
    )

    # Whoever met five others in a row was asked to try again, and left nothing.
    assert {error.reason for error in refused} <= {"DEPENDENCY_UNAVAILABLE"}
    ended = len(started) - 1
    assert await database.count("practice_session", user_id=user_id, state="abandoned") == ended
    assert await database.count("practice_session", user_id=user_id, state="active") == 1
    assert await database.column("outbox", "user_seq", user_id=user_id) == list(range(1, ended + 1))


async def test_of_two_completions_at_once_one_wins_and_one_event_leaves(
    database: Database, user_id: int
) -> None:
    ref = await database.started(user_id)

    done, refused = await release(
        database, ref, [database.use.complete_session(Call(user_id), ref) for _ in range(2)]
    )

    assert len(done) == 1
    assert [type(error) for error in refused] == [SessionEndedError]
    assert await database.column("outbox", "user_seq", user_id=user_id) == [1]
    assert await database.column("learner", "last_seq", user_id=user_id) == [1]
    assert await database.column("journal", "change", session_id=ref.id) == ["ended"]


async def test_completions_at_once_of_one_user_are_numbered_without_gap_or_duplicate(
    database: Database, user_id: int
) -> None:
    refs = [await database.started(user_id) for _ in range(20)]

    done, refused = await at_once(database.use.complete_session(Call(user_id), ref) for ref in refs)

    assert refused == []
    assert sorted(ended.session.user_seq for ended in done) == list(range(1, 21))
    assert await database.column("outbox", "user_seq", user_id=user_id) == list(range(1, 21))


async def test_numbers_are_given_in_the_order_of_commits(database: Database, user_id: int) -> None:
    first, second = await database.started(user_id), await database.started(user_id)
    async with database.unit_of_work() as work:
        session = await work.sessions.lock(user_id, first)
        number, calendar = await work.learners.next_seq(user_id)
        later = asyncio.create_task(database.use.complete_session(Call(user_id), second))
        await database.until_waiting(1)
        assert number == 1
        # Given back: the user's next end takes the number again.
        assert session.user_seq == 0
        assert calendar.time_zone == "UTC"

    assert (await later).session.user_seq == 1


async def test_answers_at_once_are_all_counted(database: Database, user_id: int) -> None:
    ref = await database.started(user_id)
    batches = [
        [SubmittedAnswer(f"exercises/{item}", text) for item, text in ((1, "hable"), (2, "hable"), (3, "no"))]
        for _ in range(15)
    ]

    done, refused = await release(
        database, ref, [database.use.submit_answers(Call(user_id), ref, batch) for batch in batches]
    )

    assert refused == []
    assert sorted(submission.session.answer_count for submission in done) == list(range(3, 46, 3))
    session = await database.use.get_session(Call(user_id), ref)
    assert (session.answer_count, session.correct_answer_count, session.version) == (45, 30, 46)
    assert await database.column("answer", "position", session_id=ref.id) == list(range(1, 46))
    assert await database.column("journal", "sequence", session_id=ref.id) == list(range(2, 47))


async def test_one_answer_sent_many_times_at_once_counts_once(database: Database, user_id: int) -> None:
    ref = await database.started(user_id)
    answer = SubmittedAnswer("exercises/1", "hable", answer_id="one")

    done, _ = await release(
        database, ref, [database.use.submit_answers(Call(user_id), ref, [answer]) for _ in range(10)]
    )

    assert {submission.session.answer_count for submission in done} == {1}
    assert all(submission.results == done[0].results for submission in done)


async def test_one_key_many_times_at_once_has_one_effect_and_one_answer(
    database: Database, user_id: int, keyed: Callable[..., Call]
) -> None:
    call = keyed()

    done, refused = await at_once(database.use.start_session(call, product="yoga") for _ in range(20))

    assert refused == []
    assert done == [done[0]] * 20
    assert await database.count("practice_session", user_id=user_id) == 1


async def test_one_key_at_once_with_two_requests_serves_one_of_them(
    database: Database, user_id: int, keyed: Callable[..., Call]
) -> None:
    calls = [keyed("shared", body=str(number % 2)) for number in range(10)]

    done, refused = await at_once(database.use.start_session(call, product="yoga") for call in calls)

    assert len(done) == 5
    assert {error.reason for error in refused} == {"IDEMPOTENCY_KEY_REUSED"}
    assert all(isinstance(error, ConflictError) for error in refused)
    assert await database.count("practice_session", user_id=user_id) == 1


async def test_two_users_may_choose_the_same_key(
    database: Database, new_user: Callable[[], int], keyed: Callable[..., Call]
) -> None:
    request = keyed("mine").request

    done, _ = await at_once(
        database.use.start_session(Call(user, request=request), product="yoga")
        for user in (new_user(), new_user())
    )

    assert len({started.session.id for started in done}) == 2


async def test_a_repeat_waits_for_the_first_and_goes_on_when_that_fails(
    database: Database, user_id: int, keyed: Callable[..., Call]
) -> None:
    call = keyed()
    async with database.unit_of_work() as first:
        assert await first.idempotency.claim(call, PracticeSession) is None
        repeat = asyncio.create_task(database.use.start_session(call, product="yoga"))
        await database.until_waiting(1)

    assert (await repeat).resumed is False


async def test_pause_and_end_at_once_leave_the_session_ended(database: Database, user_id: int) -> None:
    ref = await database.started(user_id, "focus")

    done, refused = await release(
        database,
        ref,
        [
            database.use.pause_session(Call(user_id), ref, reported=10),
            database.use.complete_session(Call(user_id), ref, reported=20),
        ],
    )

    assert len(done) + len(refused) == 2
    assert {type(error) for error in refused} <= {SessionEndedError}
    session = await database.use.get_session(Call(user_id), ref)
    assert (session.state, session.elapsed_seconds) == (State.COMPLETED, 20)
    expected = ["ended"] if refused else ["ended", "paused"]
    assert await database.column("journal", "change", session_id=ref.id) == expected


async def test_of_two_drafts_on_the_same_base_one_wins(database: Database, user_id: int) -> None:
    started = await database.use.start_session(Call(user_id), product="design", content="problems/1")
    ref, base = SessionRef(started.session.id), started.session.draft_hash

    done, refused = await release(
        database,
        ref,
        [
            database.use.save_draft(Call(user_id), ref, f'{{"device":{device}}}', base_hash=base)
            for device in (1, 2)
        ],
    )

    assert len(done) == 1
    assert [type(error) for error in refused] == [EtagMismatchError]
    assert refused[0].metadata["etag"] == done[0].draft_hash
    assert (await database.use.get_draft(Call(user_id), ref)).content_hash == done[0].draft_hash


async def test_messages_at_once_get_a_position_each(database: Database, user_id: int) -> None:
    ref = await database.started(user_id)

    done, _ = await release(
        database,
        ref,
        [database.use.add_message(Call(user_id), ref, role="user", content="hello") for _ in range(10)],
    )

    assert sorted(said.message.position for said in done) == list(range(1, 11))
    assert await database.column("message", "position", session_id=ref.id) == list(range(1, 11))


async def _fresh_focus(database: Database, user_id: int) -> PracticeSession:
    async with database.unit_of_work() as work:
        calendar = await work.learners.calendar(user_id)
    return PracticeSession.start(
        user_id=user_id,
        product=SHIPPED_PRODUCTS["focus"],
        mode="",
        content="",
        planned_seconds=1500,
        calendar=calendar,
        now=datetime.now(UTC),
    )
