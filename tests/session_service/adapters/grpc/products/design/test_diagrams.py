"""A diagram comes back as it was written, or is refused for what is wrong with it."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from session_service.adapters.grpc.products.design import bodies, responses
from session_service.domain import json_text
from session_service.domain.submission import Submission
from tests.session_service.adapters.grpc.products.design.clients import DRAWN, Client

MEBIBYTE = 1024 * 1024
NUMBERS = ["1.0", "1e400", "-0", "-0.0", "1E+5", "0.10", "123456789012345678901234567890", "1e-400"]

spelled = st.one_of(
    st.sampled_from(NUMBERS),
    st.from_regex(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,4})?", fullmatch=True),
)
strings = st.text(st.characters(codec="utf-8"), max_size=8)
quoted = st.builds(json.dumps, strings, ensure_ascii=st.booleans())
scalars = spelled | quoted | st.sampled_from(["true", "false", "null", '"\\ud800"'])
spaces = st.sampled_from(["", " ", "\n\t"])


def in_array(members: list[str], space: str) -> str:
    return f"[{space}{f'{space},'.join(members)}]"


def in_object(members: dict[str, str], space: str) -> str:
    return "{" + f",{space}".join(f"{key}{space}:{space}{value}" for key, value in members.items()) + "}"


values = st.recursive(
    scalars,
    lambda inner: (
        st.builds(in_array, st.lists(inner, max_size=4), spaces)
        | st.builds(in_object, st.dictionaries(quoted, inner, max_size=4), spaces)
    ),
    max_leaves=15,
)
diagrams = st.builds(in_object, st.dictionaries(quoted, values, max_size=5), spaces)


def autosave(diagram: str) -> bytes:
    return f'{{"before": [1.50], "diagram_data" : {diagram} , "time_spent": 7}}'.encode()


@given(diagrams)
def test_a_diagram_is_read_and_shown_to_the_byte(diagram: str) -> None:
    body = bodies.read_autosave(autosave(diagram))
    assert (body.diagram.content, body.time_spent) == (diagram, 7)

    now = datetime.now(UTC)
    submission = Submission(
        user_id=1,
        content="problems/7",
        content_created_at=now,
        document=body.diagram.content,
        submitted_at=now,
        updated_at=now,
    )
    shown = responses.submission(submission, "ana@example.com").data.decode()
    assert f'"diagram_data":{diagram},"score":0' in shown
    assert json_text.members(shown)["diagram_data"][1] == diagram


@given(values)
def test_members_are_those_that_any_parser_finds(value: str) -> None:
    written = f'\n{{"a": 1, "b":{value}, "a" : {value} }} '
    found = json_text.members(written)
    assert list(found) == list(json.loads(written))
    for name in "ab":
        assert found[name][:2] == (json_text.read(value), value)
        assert written.startswith(value, found[name].start)
    assert found["a"].start > found["b"].start


@given(st.text(max_size=20) | st.binary(max_size=20).map(lambda data: data.decode(errors="replace")))
def test_what_is_no_object_is_no_object(written: str) -> None:
    try:
        expected = json.loads(written, parse_constant=lambda name: 1 // 0)
    except (ValueError, ZeroDivisionError):
        expected = None
    if not isinstance(expected, dict):
        with pytest.raises(ValueError, match=r"."):
            json_text.members(written)


@pytest.mark.parametrize("broken", ['{"a":1,}', '{"a" 1}', "{,}", '{"a":1} x', "{1:2}", '{"a":NaN}', "{", ""])
def test_broken_objects_are_refused(broken: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        json_text.members(broken)


async def test_a_diagram_goes_through_the_database_to_the_byte(ana: Client, problem: str) -> None:
    session_id = (await ana.open(problem))["id"]
    diagram = '{"z" : 1.0,"a":[' + ", ".join(NUMBERS) + '], "é":"\\u00e9\\u0000\\ud800<"}'
    _, saved = await ana.text("AutosaveSession", autosave(diagram), session_id=session_id)
    _, read = await ana.text("GetSession", session_id=session_id)
    _, listed = await ana.text("ListMySessions")
    _, submitted = await ana.text("SubmitSession", session_id=session_id)
    for answer in (saved, read, listed, submitted):
        assert f'"diagram_data":{diagram},' in answer


async def test_the_hash_is_of_the_canonical_json(ana: Client, problem: str) -> None:
    session_id = (await ana.open(problem))["id"]
    saved = await ana.save(session_id, {"b": [1, 2], "a": "é"})
    assert saved["diagram_hash"] == hashlib.md5('{"a":"é","b":[1,2]}'.encode()).hexdigest()
    assert (await ana.save(session_id, {}))["diagram_hash"] == hashlib.md5(b"").hexdigest()


async def test_an_unchanged_diagram_is_not_written_and_time_always_is(
    ana: Client, problem: str, engine: AsyncEngine
) -> None:
    session_id = (await ana.open(problem))["id"]
    first = await ana.save(session_id, DRAWN, 120)
    written = text("SELECT xmin::text, content FROM session.draft WHERE session_id = :number")
    number = {"number": int(session_id[8:], 16)}
    async with engine.connect() as connection:
        before = (await connection.execute(written, number)).one()
    again = await ana.save(session_id, dict(reversed(DRAWN.items())), 130)
    async with engine.connect() as connection:
        assert (await connection.execute(written, number)).one() == before
    assert again["diagram_hash"] == first["diagram_hash"]
    assert again["time_spent"] == 130
    assert again["last_saved_at"] > first["last_saved_at"]
    assert (await ana.save(session_id, DRAWN, 5))["time_spent"] == 130


@pytest.mark.parametrize("quotes", ["", '"'])
async def test_the_version_edited_must_be_the_one_stored(ana: Client, problem: str, quotes: str) -> None:
    session = await ana.open(problem)
    device = ana.with_metadata(if_match=f"{quotes}{session['diagram_hash']}{quotes}")
    saved = await device.save(session["id"])
    body = {"diagram_data": {"other": 1}, "time_spent": 9}
    status, told = await device.refused("AutosaveSession", body, session_id=session["id"])
    assert status == 412
    assert isinstance(told["detail"], str)
    assert await ana.ok("GetSession", session_id=session["id"]) == saved
    assert await ana.with_metadata(if_match="*").ok("AutosaveSession", body, session_id=session["id"])


def nested(levels: int) -> str:
    return '{"a":' * (levels - 1) + "{}" + "}" * (levels - 1)


def sized(size: int) -> str:
    return '{"a":"' + "x" * (size - len('{"a":""}')) + '"}'


@pytest.mark.parametrize(
    ("diagram", "status"),
    [
        (nested(64), 200),
        (nested(65), 413),
        (nested(100_000), 413),
        (sized(MEBIBYTE), 200),
        (sized(MEBIBYTE + 1), 413),
    ],
    ids=["64 levels", "65 levels", "very deep", "a mebibyte", "a byte more"],
)
async def test_size_and_depth_have_bounds(ana: Client, problem: str, diagram: str, status: int) -> None:
    session = await ana.open(problem)
    assert await ana.outcome("AutosaveSession", autosave(diagram), session_id=session["id"]) == status
    body = f'{{"problem_id":"{problem}","diagram_data":{diagram}}}'.encode()
    created = 201 if status == 200 else status
    assert await ana.outcome("CreateSubmission", body) == created
    if status == 413:
        assert await ana.ok("GetSession", session_id=session["id"]) == session


@pytest.mark.parametrize(
    ("body", "loc", "kind"),
    [
        (b"", ["body", "diagram_data"], "missing"),
        (b"{", ["body"], "value_error"),
        (b"[]", ["body"], "value_error"),
        (b"\xff", ["body"], "value_error"),
        (b'{"time_spent": 1}', ["body", "diagram_data"], "missing"),
        (b'{"diagram_data": [], "time_spent": 1}', ["body", "diagram_data"], "value_error"),
        (b'{"diagram_data": null, "time_spent": 1}', ["body", "diagram_data"], "value_error"),
        (b'{"diagram_data": 7, "time_spent": 1}', ["body", "diagram_data"], "value_error"),
        (b'{"diagram_data": {}}', ["body", "time_spent"], "missing"),
        *(
            (b'{"diagram_data": {}, "time_spent": %s}' % value, ["body", "time_spent"], "value_error")
            for value in (b'"many"', b"true", b"null", b"-1", b"1.5", b"2147483648", b"1e999999999", b"[]")
        ),
    ],
)
async def test_bodies_that_cannot_be_understood_are_refused(
    ana: Client, problem: str, body: bytes, loc: list[str], kind: str
) -> None:
    session = await ana.open(problem)
    status, told = await ana.refused("AutosaveSession", body, session_id=session["id"])
    detail, *others = told["detail"]
    assert (status, detail["loc"], detail["type"]) == (422, loc, kind)
    assert detail["msg"]
    # Of no body at all every member is missing.
    assert [other["loc"] for other in others] == ([["body", "time_spent"]] if body == b"" else [])
    assert await ana.ok("GetSession", session_id=session["id"]) == session


@pytest.mark.parametrize("value", [b"120", b"120.0", b"1.2e2"])
async def test_whole_numbers_are_integers_however_they_are_spelled(
    ana: Client, problem: str, value: bytes
) -> None:
    session: dict[str, Any] = await ana.open(problem)
    body = b'{"diagram_data": {}, "time_spent": %s}' % value
    assert (await ana.ok("AutosaveSession", body, session_id=session["id"]))["time_spent"] == 120
