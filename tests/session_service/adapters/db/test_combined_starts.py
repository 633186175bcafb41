"""Sessions are started together, and each caller is told what became of their own."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update

from service_kit.call import Call, RequestIdentity
from service_kit.errors import AccountErasedError, ConflictError, QuotaExceededError, ServiceError
from service_kit.zone_handover import KnownSignUps
from session_service.adapters.db import tables
from session_service.application.account_limits import AccountLimits, Quotas
from session_service.application.calendars import RememberCalendar
from session_service.application.ports.sessions import SessionRef
from session_service.application.start_session import CombinedStarts, Started, StartSession
from session_service.domain.errors import ModeUnknownError, ProductRetiredError, SessionAlreadyOpenError
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import State
from tests.session_service.adapters.db.lots import count_lots, note_written
from tests.session_service.database import Database, EverythingCatalog, NoRates

NewUser = Callable[[], int]


@pytest.fixture
def lots(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    return count_lots(database.starts, monkeypatch)


@pytest.fixture
def committed(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    return note_written(database.starts, monkeypatch)


@pytest.fixture
def someone(database: Database, new_user: NewUser) -> Callable[..., Any]:
    """Makes learners who have practised in a product before."""

    async def make(product: str = "exercises") -> int:
        user_id = new_user()
        await database.use.remember_calendar(user_id, "Asia/Tokyo", None)
        before = await start(database, user_id, product)
        await database.use.complete_session(Call(user_id), SessionRef(before.session.id), reported=0)
        return user_id

    return make


async def start(database: Database, user_id: int, product: str = "exercises", **fields: Any) -> Started:
    needed: dict[str, Any] = {"portal": {"content": "activities/123"}, "focus": {"planned_seconds": 1500}}
    key, asked = fields.pop("key", ""), fields.pop("asked", "")
    request = RequestIdentity(key, "/x/Y", asked.encode().ljust(32)) if key else None
    arguments = {**needed.get(product, {}), **fields}
    return await database.use.start_session(Call(user_id, request=request), product=product, **arguments)


async def check_stored(database: Database, session: PracticeSession) -> None:
    """What was told is stored, and has a number that no other session has."""
    assert await database.readers.get(session.user_id, SessionRef(session.id)) == session


async def test_of_64_callers_each_gets_what_they_would_get_alone(
    database: Database, someone: Any, new_user: NewUser, lots: list[int], committed: list[int]
) -> None:
    plain = [await someone() for _ in range(12)]
    keyed = [await someone() for _ in range(6)]
    twice = [await someone() for _ in range(4)]
    busy = [await someone("focus") for _ in range(4)]
    picking = [await someone("portal") for _ in range(4)]
    new = [new_user() for _ in range(8)]
    refused = [await someone() for _ in range(8)]
    left = [await someone() for _ in range(8)]
    for user_id in busy:
        await start(database, user_id, "focus")
    lots.clear()
    committed.clear()

    calls = [
        *(start(database, user_id, settings={"a": 1, "b": ["ü", None]}) for user_id in plain),
        *(start(database, user_id, key="k") for user_id in keyed for _ in range(2)),
        *(start(database, user_id) for user_id in twice for _ in range(2)),
        *(start(database, user_id, "focus") for user_id in busy),
        *(start(database, user_id, "portal") for user_id in picking),
        *(start(database, user_id) for user_id in new),
        *(start(database, user_id, mode="no such mode") for user_id in refused),
    ]
    cancelled = [asyncio.create_task(start(database, user_id)) for user_id in left]
    running = asyncio.gather(*calls, return_exceptions=True)
    await asyncio.sleep(0)
    for task in cancelled:
        task.cancel()
    outcomes: list[Any] = list(await running)
    await asyncio.gather(*cancelled, return_exceptions=True)

    assert len(calls) + len(cancelled) == 64
    assert max(lots) >= 30
    told = iter(outcomes)
    groups = [[next(told) for _ in range(count)] for count in (12, 12, 8, 4, 4, 8, 8)]
    done, repeats, both, taken, picked, first, unknown = groups
    assert repeats[::2] == repeats[1::2]
    started = [*done, *repeats[::2], *both, *picked, *first]
    numbers = [each.session.id for each in started]
    assert len(numbers) == len(set(numbers))
    for each in started:
        assert (each.resumed, each.session.state, each.session.version) == (False, State.ACTIVE, 1)
        await check_stored(database, each.session)
    assert {each.session.time_zone for each in [*done, *repeats, *both, *picked]} == {"Asia/Tokyo"}
    assert {each.session.id for each in [*done, *repeats, *picked]} <= set(committed)
    assert {type(error) for error in taken} == {SessionAlreadyOpenError}
    assert {type(error) for error in unknown} == {ModeUnknownError}
    for each in picked:
        items = await database.readers.items(each.session.user_id, each.session.id)
        assert (len(items), items[0]) == (each.session.item_count, each.first_item)
    for user_id in plain:
        assert (await database.readers.summary(user_id, "exercises")).started == 2
    for user_id in left:
        assert await database.count("practice_session", user_id=user_id) in (1, 2)


async def test_a_key_stores_the_start_and_is_used_for_one_of_two(
    database: Database, someone: Any, committed: list[int]
) -> None:
    user_id = await someone()
    committed.clear()
    first, reused = await asyncio.gather(
        start(database, user_id, key="same"),
        start(database, user_id, key="same", asked="other"),
        return_exceptions=True,
    )
    assert isinstance(first, Started)
    assert committed == [first.session.id]
    assert isinstance(reused, ConflictError)
    await database.use.abandon_session(Call(user_id), SessionRef(first.session.id))
    assert await start(database, user_id, key="same") == first
    assert await database.count("practice_session", user_id=user_id) == 2


async def test_a_key_that_is_used_at_this_moment_is_used_once(
    database: Database, someone: Any, committed: list[int]
) -> None:
    """Another process has claimed it, and nobody can see that yet: the start waits, and is no second one."""
    user_id = await someone()
    committed.clear()
    request = RequestIdentity("k", "/x/Y", b"".ljust(32))
    async with database.unit_of_work() as elsewhere:
        assert await elsewhere.idempotency.claim(Call(user_id, request=request), Started) is None
        waiting = asyncio.create_task(start(database, user_id, key="k"))
        await database.until_waiting(1)
    assert (await waiting).session.user_id == user_id
    assert await database.count("practice_session", user_id=user_id) == 2


async def test_nobody_waits_for_somebody_who_begins_or_ends_a_session(
    database: Database, someone: Any, lots: list[int]
) -> None:
    learners = [await someone() for _ in range(6)]
    total = tables.session_total
    async with database.engine.connect() as holder:
        held = select(total.c.user_id).where(total.c.user_id == learners[0])
        await holder.execute(held.with_for_update())
        lots.clear()
        waiting, *others = [asyncio.create_task(start(database, user_id)) for user_id in learners]
        started = await asyncio.gather(*others)
        await database.until_waiting(1)
        assert not waiting.done()
    for each in [*started, await waiting]:
        await check_stored(database, each.session)
    assert lots == [6]


async def test_nobody_waits_for_a_slot_that_somebody_is_about_to_free(
    database: Database, someone: Any, committed: list[int]
) -> None:
    learners = [await someone("focus") for _ in range(4)]
    going_on = await start(database, learners[0], "focus")
    session = tables.practice_session
    committed.clear()
    async with database.engine.connect() as holder:
        freed = update(session).where(session.c.id == going_on.session.id).values(open_slot=None)
        await holder.execute(freed)
        waiting, *others = [asyncio.create_task(start(database, each, "focus")) for each in learners]
        started = await asyncio.gather(*others)
        await database.until_waiting(1)
        assert sorted(committed) == sorted(each.session.id for each in started)
        await holder.rollback()
    with pytest.raises(SessionAlreadyOpenError):
        await waiting


async def test_a_poisoned_call_fails_alone(
    database: Database, someone: Any, lots: list[int], committed: list[int]
) -> None:
    """An account that is erased at this moment: the database refuses its rows, whatever brings them."""
    learners = [await someone() for _ in range(8)]
    async with database.engine.begin() as connection:
        await connection.execute(insert(tables.erased_user).values(user_id=learners[3], request_id="r"))
    lots.clear()
    committed.clear()
    outcomes = await asyncio.gather(*(start(database, each) for each in learners), return_exceptions=True)
    assert (lots, committed) == ([8], [])
    assert isinstance(outcomes.pop(3), AccountErasedError)
    for each in outcomes:
        assert isinstance(each, Started)
        await check_stored(database, each.session)
    assert await database.count("practice_session", user_id=learners[3]) == 1


async def test_what_cannot_be_stored_fails_alone(database: Database, someone: Any) -> None:
    bad, *good = [await someone() for _ in range(4)]
    refused, *started = await asyncio.gather(
        start(database, bad, settings={"text": "\0"}),
        *(start(database, each) for each in good),
        return_exceptions=True,
    )
    assert isinstance(refused, Exception)
    assert all(isinstance(each, Started) for each in started)


async def test_no_more_sessions_are_open_than_an_account_gets(database: Database, someone: Any) -> None:
    """Whoever starts them at the same moment, in one process or in two."""
    user_id = await someone()
    limits = AccountLimits(NoRates(), database.readers, Quotas(open_sessions=3))
    uses = [
        StartSession(
            CombinedStarts(database.starts, 3),
            database.unit_of_work,
            database.products,
            EverythingCatalog(),
            lambda: datetime.now(UTC),
            limits=limits,
            remember_calendar=RememberCalendar(
                database.unit_of_work, lambda: datetime.now(UTC), database.readers, KnownSignUps()
            ),
        )
        for _ in range(2)
    ]
    outcomes = await asyncio.gather(
        *(use(Call(user_id), product="exercises") for _ in range(6) for use in uses), return_exceptions=True
    )
    refused = [each for each in outcomes if isinstance(each, ServiceError)]
    assert {type(error) for error in refused} == {QuotaExceededError}
    assert len(outcomes) - len(refused) == 3
    assert await database.count("practice_session", user_id=user_id, state="active") == 3


async def test_a_product_is_what_it_is_at_the_moment_of_each_start(
    database: Database, new_user: NewUser, committed: list[int]
) -> None:
    """Another process publishes a version of it, and retires it: the next start goes by that."""
    user_id, product = new_user(), f"p{uuid.uuid4().hex[:12]}"
    await database.use.remember_calendar(user_id, "Asia/Tokyo", None)
    await publish(database, product, 1, modes=["slow"])
    assert (await start(database, user_id, product)).session.mode == "slow"
    for version, mode in ((1, "slow"), (2, "fast")):
        await publish(database, product, version, modes=[mode])
        committed.clear()
        session = (await start(database, user_id, product)).session
        assert (session.policy_version, session.mode, committed) == (version, mode, [session.id])
    await publish(database, product, 3, modes=["fast"], retired=True)
    with pytest.raises(ProductRetiredError):
        await start(database, user_id, product)
    await publish(database, product, 4, open_scope="one_per_user", second_start="resume")
    first = await start(database, user_id, product)
    again = await start(database, user_id, product)
    assert (again.resumed, again.session, committed) == (True, first.session, [session.id])


async def publish(
    database: Database, product: str, version: int, *, retired: bool = False, **row: Any
) -> None:
    """Inserts a version of a product that is like exercises but for what is given, unless it is there."""
    async with database.engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO session.product_version (product, version, policy, retired_at)"
                " SELECT :product, :version, policy || CAST(:row AS jsonb),"
                " CASE WHEN :retired THEN now() END"
                " FROM session.product_version WHERE (product, version) = ('exercises', 1)"
                " ON CONFLICT DO NOTHING"
            ),
            {
                "product": product,
                "version": version,
                "row": json.dumps({"product": product, **row}),
                "retired": retired,
            },
        )
