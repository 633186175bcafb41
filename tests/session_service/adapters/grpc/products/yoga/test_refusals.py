"""Requests that cannot be understood: 422 and what is wrong with which field."""

from __future__ import annotations

from typing import Any

import pytest

from tests.session_service.adapters.grpc.products.yoga.clients import Client

END = {"session_id": 1, "duration_seconds": 900, "completion_status": "completed"}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in END.items() if key != name}


BAD: list[tuple[str, dict[str, Any], str, str]] = [
    ("CompleteSession", without("session_id"), "session_id", "missing"),
    ("CompleteSession", without("duration_seconds"), "duration_seconds", "missing"),
    ("CompleteSession", without("completion_status"), "completion_status", "missing"),
    *(
        ("CompleteSession", {**END, "duration_seconds": seconds}, "duration_seconds", "value_error")
        for seconds in (-1, 14_401, 2**62, -(2**62))
    ),
    *(
        ("CompleteSession", {**END, "completion_status": word}, "completion_status", "enum")
        for word in ("", "active", "paused", "COMPLETED", "done")
    ),
    *(
        ("CompleteSession", {**END, "poses_completed": poses}, "poses_completed", "value_error")
        for poses in (-1, 1_001)
    ),
    ("PauseSession", {}, "duration_so_far", "missing"),
    *(
        ("PauseSession", {"duration_so_far": seconds}, "duration_so_far", "value_error")
        for seconds in (-1, 14_401)
    ),
    ("SetNotes", {}, "notes", "missing"),
    ("SetNotes", {"notes": "x" * 5_001}, "notes", "string_too_long"),
]


@pytest.mark.parametrize(("method", "fields", "named", "kind"), BAD)
async def test_a_member_that_is_missing_or_wrong_is_a_422_that_names_it(
    yoga: Client, method: str, fields: dict[str, Any], named: str, kind: str
) -> None:
    number = await yoga.start()
    given = fields if named == "session_id" else {**fields, "session_id": number}
    before = await yoga.ok("GetCurrentSession")

    status, body = await yoga.refused(method, **given)

    (problem,) = body["detail"]
    assert (status, body) == (422, {"detail": [problem]})
    assert problem == {"loc": ["body", named], "msg": problem["msg"], "type": kind}
    assert problem["msg"]
    assert await yoga.ok("GetCurrentSession") == before


@pytest.mark.parametrize(
    ("method", "fields", "named"),
    [
        *(("ListHistory", {"limit": limit}, "limit") for limit in (0, 101, -1)),
        ("ListHistory", {"offset": -1}, "offset"),
        *(
            ("GetCalendar", {"month": month}, "month")
            for month in ("2026-13", "2026-00", "2026-1", "2026", "2026-02-01", "0000-01", "now", "2026-02\n")
        ),
    ],
)
async def test_a_query_that_is_wrong_is_a_422_that_names_it(
    yoga: Client, method: str, fields: dict[str, Any], named: str
) -> None:
    status, body = await yoga.refused(method, **fields)

    (problem,) = body["detail"]
    assert (status, body) == (422, {"detail": [problem]})
    assert problem == {"loc": ["query", named], "msg": problem["msg"], "type": "value_error"}


async def test_headers_and_text_that_cannot_be_kept_are_a_422(yoga: Client) -> None:
    number = await yoga.start()
    for client, fields, loc in (
        (yoga.with_metadata(idempotency_key="k" * 129), {"notes": "a"}, ["header", "idempotency-key"]),
        (yoga, {"notes": "\0"}, ["body"]),
    ):
        status, body = await client.refused("SetNotes", session_id=number, **fields)
        assert (status, [problem["loc"] for problem in body["detail"]]) == (422, [loc])
