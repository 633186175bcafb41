"""An autosave costs what changed: a diagram that is saved already is neither parsed nor written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.call import Call
from service_kit.errors import ServiceError
from session_service.adapters.db.drafts import SqlDraftStore
from session_service.adapters.grpc.products.design import bodies
from session_service.application.ports.sessions import SessionRef
from session_service.domain import drafts, json_text
from session_service.domain.drafts import Draft, StoredDraft, read_draft, text_digest
from tests.session_service.adapters.grpc.products.design.clients import Client
from tests.session_service.adapters.grpc.products.design.test_diagrams import diagrams
from tests.session_service.database import Database

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


def stored(diagram: str) -> StoredDraft:
    return StoredDraft("hash", text_digest("hash", diagram.encode()))


Effort = Callable[[], tuple[int, int]]


@pytest.fixture
def effort(monkeypatch: pytest.MonkeyPatch) -> Effort:
    """Returns how many characters were parsed and how many documents hashed since it was asked last."""
    decoder = json_text.decoder
    parser = Parser(
        parse_int=decoder.parse_int, parse_float=decoder.parse_float, parse_constant=decoder.parse_constant
    )
    monkeypatch.setattr(json_text, "decoder", parser)
    canonical_object = json_text.canonical_object

    def parse_plain(data: bytes) -> bytes | None:
        parser.parsed += len(data.decode())
        return canonical_object(data)

    monkeypatch.setattr(json_text, "canonical_object", parse_plain)
    hashed: list[bytes] = []
    hash_of = drafts.hash_canonical
    monkeypatch.setattr(
        drafts, "hash_canonical", lambda canonical: hashed.append(canonical) or hash_of(canonical)
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


async def test_of_a_diagram_in_another_spelling_the_stored_text_is_answered(
    ana: Client, problem: str
) -> None:
    session_id = (await ana.open(problem))["id"]
    first, other = '{"a":1,"é":[ 2.0 ]}', '{ "é":[2.0],"a":1 }'
    await ana.text("AutosaveSession", autosave(first, 10), session_id=session_id)
    keyed = ana.with_metadata(idempotency_key=str(uuid4()))
    for client, seconds in ((ana, 20), (keyed, 30)):
        _, answer = await client.text("AutosaveSession", autosave(other, seconds), session_id=session_id)
        assert f'"diagram_data":{first},' in answer
        assert json.loads(answer)["time_spent"] == seconds


async def test_a_text_that_another_process_replaced_by_its_other_spelling_is_not_answered_for_it(
    ana: Client, problem: str, user_id: int, database: Database
) -> None:
    session_id = (await ana.open(problem))["id"]
    ref = SessionRef(int(session_id[8:], 16))
    first, other = '{"a":1,"b":2}', '{"b":2,"a":1}'
    await ana.text("AutosaveSession", autosave(first, 10), session_id=session_id)
    for content in ("{}", other):
        await database.use.save_draft(Call(user_id), ref, content)
    _, answer = await ana.text("AutosaveSession", autosave(first, 20), session_id=session_id)
    _, shown = await ana.text("GetSession", session_id=session_id)
    for told in (answer, shown):
        assert f'"diagram_data":{other},' in told
        assert json.loads(told)["time_spent"] == 20


NO_DIGEST = "UPDATE session.draft SET text_digest = NULL WHERE session_id = :number"
# As the release before digests does.
REPLACED = (
    "UPDATE session.draft SET content = '{}', content_hash = 'other' WHERE session_id = :number",
    "UPDATE session.practice_session SET draft_hash = 'other', version = version + 1 WHERE id = :number",
)


@pytest.mark.parametrize("statements", [(NO_DIGEST,), REPLACED], ids=["none", "of another text"])
async def test_a_digest_that_is_none_or_of_another_text_loses_nothing(
    ana: Client,
    problem: str,
    engine: AsyncEngine,
    effort: Effort,
    statements: Sequence[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Of a process that did not save last.
    monkeypatch.setattr(SqlDraftStore, "recall", lambda *_: None)
    session_id = (await ana.open(problem))["id"]
    number = {"number": int(session_id[8:], 16)}
    diagram = written()
    await ana.text("AutosaveSession", autosave(diagram, 10), session_id=session_id)
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement), number)
    effort()
    _, answer = await ana.text("AutosaveSession", autosave(diagram, 20), session_id=session_id)
    parsed, _ = effort()
    # What was replaced is written again; what only has no digest is known by its text.
    assert (parsed > len(diagram)) == (statements is REPLACED)
    _, shown = await ana.text("GetSession", session_id=session_id)
    for told in (answer, shown):
        assert f'"diagram_data":{diagram},' in told
        assert json.loads(told)["diagram_hash"] == read_draft(diagram).content_hash


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


@given(
    st.lists(MEMBERS, max_size=5),
    st.sampled_from(['{"a":[1.0]}', "{}", '{"a":[1.0]', "[]", ""]),
    st.sampled_from(["{", '{"nested": {', " {"]),
    st.sampled_from(["}", "}}", "} ", "}\x00", ""]),
)
def test_a_body_read_around_its_diagram_says_what_it_says_when_all_is_read(
    members: list[str], saved: str, begin: str, end: str
) -> None:
    data = (begin + ", ".join(members) + end).encode(errors="surrogatepass")
    known = stored(saved)
    short, plain = bodies.read_plain_autosave(data, known), bodies.read_plain_autosave(data)
    try:
        whole = bodies.read_any_autosave(data)
    except ServiceError:
        assert (short, plain) == (None, None)
        return
    assert plain in (None, whole)
    if short is not None:
        same = whole.diagram.content == saved
        diagram = Draft(saved, known.content_hash) if same else whole.diagram
        assert short == bodies.Autosave(diagram, whole.time_spent, stored=same)


@given(diagrams)
def test_a_diagram_in_browsers_spelling_has_the_hash_that_any_has(diagram: str) -> None:
    data = diagram.encode()
    plain = drafts.read_plain_draft(data)
    by_the_letter = drafts.draft_of(json_text.read(diagram), diagram)
    assert plain in (None, by_the_letter)
    # What a browser would make of it is read at once, whatever it looks like.
    browsers = json.dumps(
        json.loads(diagram, parse_float=lambda _: 0.5, parse_int=lambda _: 7),
        ensure_ascii=False,
        separators=(",", ":"),
    )
    if "\ud800" not in browsers:
        assert drafts.read_plain_draft(browsers.encode()) == read_draft(browsers)
        assert drafts.read_plain_draft(browsers.encode()) is not None


@pytest.mark.parametrize(
    "number", ["1e5", "1E5", "1.50", "-0", "100000000000000000000", "1e400", "0.1000000000000000055"]
)
def test_a_number_in_another_spelling_is_read_by_the_letter(number: str) -> None:
    diagram = f'{{"a": {number}}}'
    assert drafts.read_plain_draft(diagram.encode()) is None
    assert read_draft(diagram).content_hash == hashlib.md5(f'{{"a":{number}}}'.encode()).hexdigest()


def test_a_key_that_occurs_twice_counts_once_and_as_the_last() -> None:
    diagram = '{"a":1,"b":[],"a":2}'
    assert drafts.read_plain_draft(diagram.encode()) is None
    assert read_draft(diagram).content_hash == read_draft('{"b":[],"a":2}').content_hash


def test_a_large_diagram_is_not_read_at_once() -> None:
    data = autosave(written(), 5)
    size = len(written().encode())
    assert bodies.read_plain_autosave(data, most=size) is not None
    assert bodies.read_plain_autosave(data, most=size - 1) is None
    assert bodies.read_plain_autosave(data, stored(written()), most=0) is not None
