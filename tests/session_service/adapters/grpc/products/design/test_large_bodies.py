"""Bodies that take a while to read hold up only who sends them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.session_service.adapters.grpc.products.design.clients import Client
from tests.session_service.clients import Learner

HEAVY = {"diagram_data": {f"member {number}": number for number in range(40_000)}, "time_spent": 1}


@pytest.fixture
def session_settings(session_settings: dict[str, Any]) -> dict[str, Any]:
    """What an account gets of itself."""
    return {name: value for name, value in session_settings.items() if name != "max_documents_per_user"}


async def test_a_body_of_countless_members_is_refused_and_changes_nothing(ana: Client, problem: str) -> None:
    session = await ana.open(problem)
    body = json.dumps({str(number): 1 for number in range(225_000)}).encode()
    for method, name in (("AutosaveSession", "session_id"), ("UpdateSubmission", "submission_id")):
        status, _ = await ana.refused(method, body, **{name: session["id"]})
        assert status == 422
    assert (await ana.refused("CreateSubmission", body))[0] == 422
    assert await ana.ok("GetSession", session_id=session["id"]) == session


async def test_a_large_diagram_comes_back_as_it_was_sent(ana: Client, problem: str) -> None:
    session = await ana.open(problem)
    shapes = ",".join(
        f'{{"x": {number}.50, "y":-0.0e+1,"label" : "\\u00e9 é [{{"}}' for number in range(9_000)
    )
    diagram = f'{{ "elements":[{shapes}] ,"appState":{{}}}}'
    body = f'{{"time_spent": 3, "diagram_data": {diagram}\n}}'.encode()
    _, saved = await ana.text("AutosaveSession", body, session_id=session["id"])
    _, shown = await ana.text("GetSession", session_id=session["id"])
    assert f'"diagram_data":{diagram},' in saved
    assert f'"diagram_data":{diagram},' in shown


async def test_many_heavy_autosaves_of_one_account_leave_others_answered(
    ana: Client, problem: str, stranger: Learner
) -> None:
    session = await ana.open(problem)
    body = json.dumps(HEAVY).encode()
    saving = [
        asyncio.create_task(ana.outcome("AutosaveSession", body, session_id=session["id"])) for _ in range(24)
    ]
    for _ in range(5):
        assert (await stranger.start()).name
    statuses = await asyncio.gather(*saving)
    assert set(statuses) == {200, 429}
    assert await ana.outcome("AutosaveSession", body, session_id=session["id"]) == 200
