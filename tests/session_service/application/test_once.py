"""Every mutation: one commit, one effect, however often its request arrives."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from service_kit.call import Call
from service_kit.errors import ConflictError
from service_kit.once import once
from session_service.application.ports.sessions import SessionRef
from session_service.domain.answers import SubmittedAnswer
from session_service.domain.errors import SessionEndedError
from session_service.domain.states import State
from tests.session_service.memory.world import World, keyed

REF = SessionRef(1)
ANSWER = SubmittedAnswer("exercises/1", "hable")
Mutation = Callable[[World, Call], Awaitable[Any]]


async def _save_under_a_lock(world: World, call: Call) -> Any:
    world.drafts.taken = True
    return await world.use.save_draft(call, REF, "[1]", reported=5)


MUTATIONS: dict[str, tuple[str, Mutation]] = {
    "start": ("yoga", lambda world, call: world.use.start_session(call, product="focus", planned_seconds=60)),
    "resume_open": (
        "design",
        lambda world, call: world.use.start_session(call, product="design", content="problems/7"),
    ),
    "submit": ("exercises", lambda world, call: world.use.submit_answers(call, REF, [ANSWER])),
    "standalone": (
        "yoga",
        lambda world, call: world.use.record_standalone_answer(call, "exercises", ANSWER),
    ),
    "save_draft": ("design", lambda world, call: world.use.save_draft(call, REF, "[1]", reported=5)),
    "save_draft_of_a_changed_session": ("design", _save_under_a_lock),
    "add_message": ("yoga", lambda world, call: world.use.add_message(call, REF, role="user", content="x")),
    "pause": ("focus", lambda world, call: world.use.pause_session(call, REF, reported=5)),
    "resume": ("focus", lambda world, call: world.use.resume_session(call, REF)),
    "complete": ("focus", lambda world, call: world.use.complete_session(call, REF, reported=5)),
    "partial": ("yoga", lambda world, call: world.use.complete_session(call, REF, outcome=State.PARTIAL)),
    "abandon": ("portal", lambda world, call: world.use.abandon_session(call, REF)),
}
each_mutation = pytest.mark.parametrize(("product", "mutate"), MUTATIONS.values(), ids=MUTATIONS)


@each_mutation
async def test_a_repeat_gets_the_first_answer_back_and_has_no_second_effect(
    world: World, product: str, mutate: Mutation
) -> None:
    await world.start(product)
    first = await mutate(world, keyed("k"))
    after, commits = copy.deepcopy(world.tables), world.store.commits
    world.clock.advance(60)
    assert await mutate(world, keyed("k")) == first
    assert world.tables == after
    assert world.store.commits == commits


@each_mutation
async def test_a_mutation_is_one_commit(world: World, product: str, mutate: Mutation) -> None:
    await world.start(product)
    await mutate(world, keyed("k"))
    assert world.store.commits == 2
    assert list(world.tables.keys) == [(5, "k")]


@each_mutation
async def test_a_key_that_came_with_another_request_is_refused(
    world: World, product: str, mutate: Mutation
) -> None:
    await world.start(product)
    await mutate(world, keyed("k"))
    after = copy.deepcopy(world.tables)
    with pytest.raises(ConflictError) as refused:
        await mutate(world, keyed("k", asked="something else"))
    assert refused.value.reason == "IDEMPOTENCY_KEY_REUSED"
    assert world.tables == after


@each_mutation
async def test_a_failure_on_the_way_leaves_neither_effect_nor_key(
    world: World, product: str, mutate: Mutation, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.start(product)
    before = copy.deepcopy(world.tables)

    async def fail(*_: object) -> None:
        raise RuntimeError("the database went away")

    monkeypatch.setattr("tests.session_service.memory.unit_of_work.FakeIdempotency.remember", fail)
    with pytest.raises(RuntimeError):
        await mutate(world, keyed("k"))
    assert world.tables == before
    monkeypatch.undo()
    await mutate(world, keyed("k"))
    assert world.tables != before


async def test_a_key_is_each_users_own(world: World) -> None:
    mine = await world.use.start_session(keyed("k", user_id=5), product="yoga")
    theirs = await world.use.start_session(keyed("k", "other", user_id=6), product="yoga")
    assert mine.session.id != theirs.session.id


async def test_without_a_key_each_call_has_its_effect(world: World) -> None:
    await world.start("yoga")
    for _ in range(2):
        await world.use.add_message(Call(5), REF, role="user", content="same words")
    assert world.tables.sessions[1].message_count == 2
    assert world.tables.keys == {}


async def test_a_refused_request_may_succeed_under_the_same_key_later(world: World) -> None:
    await world.start("focus")
    await world.use.complete_session(Call(5), REF)
    with pytest.raises(SessionEndedError):
        await world.use.pause_session(keyed("k"), REF)
    await world.use.add_message(
        keyed("k"), SessionRef((await world.start("yoga")).id), role="user", content="x"
    )


async def test_nothing_is_remembered_before_the_command_is_done(world: World) -> None:
    async def command(work: Any) -> str:
        assert work.idempotency._tables.keys[5, "k"][1] is None
        return "done"

    assert await once(world.unit_of_work, keyed("k"), str, command) == "done"
    assert await once(world.unit_of_work, keyed("k"), str, command) == "done"
