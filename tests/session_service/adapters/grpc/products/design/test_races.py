"""Calls at the same instant, decided by the database; and how many statements a list takes."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from session_service.adapters.db.workspaces import SqlWorkspaceReaders
from session_service.application.ports.readers import SessionSelection
from tests.session_service.adapters.grpc.products.design.clients import DRAWN, Client
from tests.session_service.adapters.grpc.products.design.conftest import MakeProblem


async def test_opens_at_once_get_one_session(ana: Client, problem: str) -> None:
    answers = await asyncio.gather(*(ana.text("OpenSession", problem_id=problem) for _ in range(8)))
    assert sorted(status for status, _ in answers) == [200] * 7 + [201]
    assert len(await ana.ok("ListMySessions")) == 1


async def test_of_submits_at_once_one_wins(ana: Client, problem: str, engine: AsyncEngine) -> None:
    session_id = (await ana.open(problem))["id"]
    outcomes = await asyncio.gather(*(ana.outcome("SubmitSession", session_id=session_id) for _ in range(6)))
    assert sorted(outcomes) == [201] + [400] * 5
    assert (await ana.ok("ListMySubmissions"))["total"] == 1
    statement = text("SELECT count(*) FROM session.outbox WHERE aggregate_id = :number")
    async with engine.connect() as connection:
        counted = await connection.execute(statement, {"number": int(session_id[8:], 16)})
        assert counted.scalar_one() == 1


async def test_of_devices_that_edited_the_same_version_one_saves(ana: Client, problem: str) -> None:
    session = await ana.open(problem)
    device = ana.with_metadata(if_match=f'"{session["diagram_hash"]}"')
    bodies = [{"diagram_data": {"device": number}, "time_spent": 1} for number in range(5)]
    outcomes = await asyncio.gather(
        *(device.outcome("AutosaveSession", body, session_id=session["id"]) for body in bodies)
    )
    assert sorted(outcomes) == [200] + [412] * 4
    winner = bodies[outcomes.index(200)]["diagram_data"]
    assert (await ana.ok("GetSession", session_id=session["id"]))["diagram_data"] == winner


async def test_a_save_beside_a_submit_is_in_the_submission_or_refused(
    ana: Client, make_problem: MakeProblem
) -> None:
    for _ in range(5):
        session_id = (await ana.open(await make_problem()))["id"]
        body = {"diagram_data": DRAWN, "time_spent": 60}
        saved, submission = await asyncio.gather(
            ana.outcome("AutosaveSession", body, session_id=session_id), ana.submit(session_id)
        )
        assert saved in (200, 400)
        expected: Any = (DRAWN, 60) if saved == 200 else ({}, 0)
        assert (submission["diagram_data"], submission["time_spent"]) == expected
        session = await ana.ok("GetSession", session_id=session_id)
        assert (session["status"], session["diagram_data"]) == ("submitted", submission["diagram_data"])


async def test_submission_chat_at_once_loses_no_line(ana: Client, problem: str) -> None:
    submission_id = (await ana.submit((await ana.open(problem))["id"]))["id"]
    lines = [f"line {number}" for number in range(8)]
    await asyncio.gather(
        *(
            ana.ok("AddSubmissionMessage", submission_id=submission_id, role="user", content=line)
            for line in lines
        )
    )
    told = await ana.ok("GetSubmission", submission_id=submission_id)
    assert sorted(line["content"] for line in told["chat_messages"]) == lines


async def test_a_list_takes_as_many_statements_for_one_session_as_for_many(
    ana: Client, make_problem: MakeProblem, engine: AsyncEngine, user_id: int
) -> None:
    for _ in range(6):
        session_id = (await ana.open(await make_problem()))["id"]
        await ana.save(session_id)
        await ana.ok("AddSessionMessage", session_id=session_id, role="user", content="Why?")
    statements: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    readers = SqlWorkspaceReaders(engine)
    event.listen(engine.sync_engine, "before_cursor_execute", note)
    taken = []
    for limit in (1, 6):
        statements.clear()
        found = await readers.list(SessionSelection(user_id=user_id, limit=limit), 1_000_000)
        assert len(found) == limit
        assert all(each.document != "{}" and len(each.messages) == 1 for each in found)
        taken.append(len(statements))
    assert taken[0] == taken[1] <= 5
