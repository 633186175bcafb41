"""An autosave costs what changed: a diagram that is saved already is neither parsed nor written."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.errors import ServiceError
from session_service.adapters.grpc.products.design import bodies
from session_service.domain import drafts, json_text
from session_service.domain.drafts import Draft, read_draft
from tests.session_service.adapters.grpc.products.design.clients import Client

SHAPES = [
    {"type": "arrow", "x": number / 7, "y": -number, "label": f'é "{number}" {{\n', "points": [[0, 0.5]]}
    for number in range(1_000)
]


def written(*shapes: object) -> str:
    return json.dumps({"elements": [*SHAPES, *shapes], "appState": {"zoom": 1.0}}, ensure_ascii=False)


def autosave(diagram: str, seconds: int) -> bytes:
    return f'{{"diagram_data": {diagram}, "time_spent": {seconds}}}'.encode()


class Parser(json.JSONDecoder):
    """Counts the characters that it parses."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        self.parsed = 0

    def raw_decode(self, s: str, idx: int = 0) -> tuple[Any, int]:
        value, end = super().raw_decode(s, idx)
        self.parsed += end - idx
        return value, end


Effort = Callable[[], tuple[int, int]]


@pytest.fixture
def effort(monkeypatch: pytest.MonkeyPatch) -> Effort:
    """Returns how many characters were parsed and how many documents hashed since it was asked last."""
    decoder = json_text.decoder
    parser = Parser(
        parse_int=decoder.parse_int, parse_float=decoder.parse_float, parse_constant=decoder.parse_constant
    )
    monkeypatch.setattr(json_text, "decoder", parser)
    hashed: list[object] = []
    hash_of = drafts.document_hash
    monkeypatch.setattr(
        drafts, "document_hash", lambda document: hashed.append(document) or hash_of(document)
    )

    def since() -> tuple[int, int]:
        made = (parser.parsed, len(hashed))
        parser.parsed = 0
        hashed.clear()
        return made

    return since


async def test_what_is_saved_already_is_not_parsed_and_what_changed_is_parsed_once(
    ana: Client, problem: str, effort: Effort, engine: AsyncEngine
) -> None:
    session_id = (await ana.open(problem))["id"]

    async def save(diagram: str, seconds: int, client: Client = ana) -> tuple[dict[str, Any], int, int]:
        effort()
        _, answer = await client.text("AutosaveSession", autosave(diagram, seconds), session_id=session_id)
        assert f'"diagram_data":{diagram},' in answer
        return json.loads(answer), *effort()

    async def row() -> Any:
        query = text("SELECT xmin::text, content FROM session.draft WHERE session_id = :number")
        async with engine.connect() as connection:
            return (await connection.execute(query, {"number": int(session_id[8:], 16)})).one()

    diagram, other = written(), written({"type": "text"})
    first, parsed, hashed = await save(diagram, 10)
    assert (len(diagram) <= parsed <= len(diagram) + 100, hashed) == (True, 1)
    before = await row()
    again, parsed, hashed = await save(diagram, 20)
    assert (parsed < 100, hashed) == (True, 0)
    assert await row() == before
    assert again["diagram_hash"] == first["diagram_hash"] == read_draft(diagram).content_hash
    assert (again["time_spent"], again["last_saved_at"] > first["last_saved_at"]) == (20, True)

    await ana.ok("AddSessionMessage", session_id=session_id, role="user", content="Why?")
    changed, parsed, hashed = await save(other, 30)
    assert (len(other) <= parsed <= len(other) + 100, hashed) == (True, 1)
    assert changed["diagram_hash"] == read_draft(other).content_hash
    assert [line["content"] for line in changed["chat_messages"]] == ["Why?"]
    # To tell a repeat from another request the body is read, and not once more to save it.
    keyed = ana.with_metadata(idempotency_key=str(uuid4()))
    _, parsed, hashed = await save(diagram, 40, keyed)
    assert (len(diagram) <= parsed <= len(diagram) + 100, hashed) == (True, 1)


async def test_a_new_submission_with_a_key_is_parsed_once(ana: Client, problem: str, effort: Effort) -> None:
    diagram = written()
    body = f'{{"problem_id": "{problem}", "diagram_data": {diagram}}}'.encode()
    keyed = ana.with_metadata(idempotency_key=str(uuid4()))
    effort()
    _, answer = await keyed.text("CreateSubmission", body)
    parsed, hashed = effort()
    assert (len(diagram) <= parsed <= len(diagram) + 200, hashed) == (True, 1)
    assert f'"diagram_data":{diagram},' in answer


MEMBERS = st.sampled_from(
    [
        '"diagram_data": {"a":[1.0]}',
        '"diagram_data":{}',
        '"other":{"a":[1.0]}',
        '"é": "{\\"a\\":[1.0]}"',
        '"text":"{"a":[1.0]}"',
        '"time_spent": 7',
        '"time_spent": -1',
        '"\ud83d\ude00":null',
        "",
    ]
)


@given(st.lists(MEMBERS, max_size=5), st.sampled_from(['{"a":[1.0]}', "{}", '{"a":[1.0]', "[]", ""]))
def test_a_body_read_around_what_is_saved_says_what_it_says_when_all_is_read(
    members: list[str], saved: str
) -> None:
    body = "{" + ", ".join(members) + "}"
    data = body.encode(errors="surrogatepass")
    short = bodies.read_unchanged_autosave(data, Draft(saved, "hash"))
    try:
        whole = bodies.read_autosave(data)
    except ServiceError:
        assert short is None
        return
    if short is not None:
        assert short == bodies.Autosave(Draft(saved, "hash"), whole.time_spent)
        assert saved == whole.diagram.content
