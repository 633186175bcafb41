"""The problems of the design product, as its document has them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeAlias

import grpc
import psycopg
import pytest
from google.protobuf.json_format import ParseDict
from practice.products.design.v1 import design_problems_service_pb2 as pb
from practice.products.design.v1 import design_problems_service_pb2_grpc as rpc

from catalog_service.main import serving
from catalog_service.settings import Settings
from service_kit import object_ids
from tests.catalog_service.contents import new_token
from tests.session_service.adapters.grpc.products.shown import refused, shown
from tests.tokens import TestTokens

Metadata = tuple[tuple[str, str], ...]
Design: TypeAlias = "rpc.DesignProblemsServiceAsyncStub"
Make = Callable[..., Awaitable[dict[str, Any]]]

DOCUMENTED = {
    "title": "Design a URL Shortener Service",
    "description": "Design a scalable service like bit.ly.",
    "difficulty": "medium",
    "categories": ["Web Services", "Databases", "Caching"],
    "estimated_time": "45 mins",
    "requirements": ["Generate unique short URLs", "Track clicks"],
    "constraints": ["99.9% uptime"],
    "hints": ["base62", "CDN"],
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
NOT_FOUND = (404, {"detail": "Problem not found"})
NOT_DELETED = (404, {"detail": "Problem not found or not authorized to delete"})


@pytest.fixture
def make(design: Design, ana: Metadata) -> Make:
    async def make(who: Metadata = ana, **changes: Any) -> dict[str, Any]:
        body = pb.ProblemBody(**{**DOCUMENTED, **changes})
        problem: dict[str, Any] = (await shown(design.CreateProblem(body, metadata=who)))[1]["problem"]
        return problem

    return make


def updating(problem: dict[str, Any], **changes: Any) -> pb.UpdateProblemBody:
    return ParseDict({"problem_id": problem["id"], **changes}, pb.UpdateProblemBody())


def invalid(place: str, field: str, message: str, kind: str) -> tuple[int, Any]:
    return 422, {"detail": [{"loc": [place, field], "msg": message, "type": kind}]}


async def test_creating_answers_201_and_the_problem(design: Design, tokens: TestTokens) -> None:
    who = tokens.bearer(70, "john.doe@example.com")
    before = datetime.now(UTC).replace(microsecond=0)

    status, body = await shown(design.CreateProblem(pb.ProblemBody(**DOCUMENTED), metadata=who))

    problem = body["problem"]
    assert (status, body["message"]) == (201, "Problem created successfully")
    assert problem == {
        **DOCUMENTED,
        "id": problem["id"],
        "created_by": "john.doe@example.com",
        "created_at": problem["created_at"],
        "updated_at": problem["created_at"],
    }
    assert re.fullmatch(r"[0-9a-f]{24}", problem["id"])
    assert TIME.fullmatch(problem["created_at"])
    created_at = datetime.fromisoformat(problem["created_at"])
    assert created_at >= before
    assert int(problem["id"][:8], 16) == int(created_at.timestamp())
    # Anybody reads it, with whatever token.
    for metadata in ((), who, (("authorization", "Bearer nonsense"),)):
        call = design.GetProblem(pb.GetProblemRequest(problem_id=problem["id"]), metadata=metadata)
        assert await shown(call) == (200, problem)


async def test_only_the_title_the_description_and_the_difficulty_are_needed(
    design: Design, ana: Metadata
) -> None:
    body = pb.ProblemBody(title="T", description="D", difficulty="easy")

    status, answer = await shown(design.CreateProblem(body, metadata=ana))

    assert status == 201
    lists = ("categories", "requirements", "constraints", "hints")
    assert [answer["problem"][name] for name in lists] == [[], [], [], []]
    assert answer["problem"]["estimated_time"] == ""


@pytest.mark.parametrize(
    ("changes", "field", "message", "kind"),
    [
        ({"title": None}, "title", "Field required", "missing"),
        ({"description": None}, "description", "Field required", "missing"),
        ({"difficulty": None}, "difficulty", "Field required", "missing"),
        ({"title": ""}, "title", "must not be empty", "string_too_short"),
        ({"title": "x" * 201}, "title", "must be at most 200 characters", "string_too_long"),
        ({"difficulty": "Hard"}, "difficulty", "must be one of easy, medium, hard", "enum"),
        ({"categories": ["x"] * 21}, "categories", "must contain no more than 20 item(s)", "too_long"),
        ({"hints": [""]}, "hints", "must not be empty", "string_too_short"),
    ],
)
async def test_a_body_that_breaks_a_rule_is_refused_with_its_field(
    design: Design, ana: Metadata, changes: dict[str, Any], field: str, message: str, kind: str
) -> None:
    body = pb.ProblemBody(**{**DOCUMENTED, **changes})

    assert await refused(design.CreateProblem(body, metadata=ana)) == invalid("body", field, message, kind)


async def test_a_text_that_cannot_be_kept_is_refused_too(design: Design, ana: Metadata) -> None:
    status, body = await refused(
        design.CreateProblem(pb.ProblemBody(**{**DOCUMENTED, "title": "\0"}), metadata=ana)
    )

    assert status == 422
    assert [set(detail) for detail in body["detail"]] == [{"loc", "msg", "type"}]


@pytest.mark.parametrize("fields", [{"skip": -1}, {"limit": 0}, {"limit": 101}, {"limit": -(2**31)}])
async def test_a_part_outside_the_bounds_is_refused(
    design: Design, ana: Metadata, fields: dict[str, int]
) -> None:
    (name,) = fields
    for call in (
        design.ListProblems(pb.ListProblemsRequest(**fields)),
        design.ListMyProblems(pb.ListMyProblemsRequest(**fields), metadata=ana),
        design.SearchProblems(pb.SearchProblemsRequest(q="a", **fields)),
    ):
        status, body = await refused(call)
        assert status == 422
        assert body["detail"][0]["loc"] == ["query", name]


@pytest.mark.parametrize("q", [None, "", "x" * 201])
async def test_a_search_needs_a_query(design: Design, q: str | None) -> None:
    status, body = await refused(design.SearchProblems(pb.SearchProblemsRequest(q=q)))

    assert (status, body["detail"][0]["loc"]) == (422, ["query", "q"])


async def test_ids_that_name_no_problem_are_not_found(design: Design, make: Make, ana: Metadata) -> None:
    problem = await make()
    unknown = "ffffffff" + problem["id"][8:]
    for problem_id in (
        unknown,
        "507f1f77bcf86cd799439011",
        "user",
        "",
        "0" * 24,
        "f" * 24,
        problem["id"] + "0",
    ):
        calls = (
            (design.GetProblem(pb.GetProblemRequest(problem_id=problem_id)), NOT_FOUND),
            (design.UpdateProblem(updating({"id": problem_id}, title="x"), metadata=ana), NOT_FOUND),
            (design.DeleteProblem(pb.DeleteProblemRequest(problem_id=problem_id), metadata=ana), NOT_DELETED),
        )
        for call, answer in calls:
            assert await refused(call) == answer
    # Digits are digits in capitals too.
    upper = pb.GetProblemRequest(problem_id=problem["id"].upper())
    assert (await shown(design.GetProblem(upper)))[1] == problem


async def test_problems_are_listed_newest_first_with_the_part_asked_for(
    design: Design, make: Make, ana: Metadata
) -> None:
    made = [await make(title=f"T{number}") for number in range(4)]

    status, all_problems = await shown(design.ListProblems(pb.ListProblemsRequest(skip=1, limit=2)))
    assert status == 200
    assert all_problems["problems"] == [made[2], made[1]]
    assert (all_problems["skip"], all_problems["limit"]) == (1, 2)
    assert all_problems["total"] >= 4

    mine = (await shown(design.ListMyProblems(pb.ListMyProblemsRequest(), metadata=ana)))[1]
    assert mine == {"total": 4, "skip": 0, "limit": 100, "problems": made[::-1]}
    beyond = pb.ListMyProblemsRequest(skip=2**31 - 1, limit=1)
    assert (await shown(design.ListMyProblems(beyond, metadata=ana)))[1] == {
        "total": 4,
        "skip": 2**31 - 1,
        "limit": 1,
        "problems": [],
    }


async def test_a_search_finds_what_holds_every_word(design: Design, make: Make) -> None:
    token = new_token()
    made = [await make(title=f"URL Shortener {number}", description=token) for number in range(3)]
    await make(title="Chat", description=token)

    request = pb.SearchProblemsRequest(q=f"url SHORT {token}", skip=1, limit=1)
    status, body = await shown(design.SearchProblems(request))

    assert status == 200
    assert body == {
        "total": 3,
        "query": f"url SHORT {token}",
        "skip": 1,
        "limit": 1,
        "problems": [made[1]],
    }


async def test_an_update_changes_what_was_sent_and_nothing_else(
    design: Design, make: Make, ana: Metadata
) -> None:
    problem = await make()

    request = updating(
        problem, title="Updated", hints=["one"], estimated_time="", categories=[], constraints=None
    )
    status, body = await shown(design.UpdateProblem(request, metadata=ana))

    changed = body["problem"]
    assert (status, body["message"]) == (200, "Problem updated successfully")
    expected = {**problem, "title": "Updated", "hints": ["one"], "estimated_time": "", "categories": []}
    assert changed == {**expected, "updated_at": changed["updated_at"]}
    assert changed["updated_at"] >= problem["updated_at"]
    nothing = (await shown(design.UpdateProblem(updating(problem), metadata=ana)))[1]
    assert nothing["problem"] == changed
    for changes, field in (
        ({"title": ""}, "title"),
        ({"difficulty": "x"}, "difficulty"),
        ({"hints": [""]}, "hints"),
        ({"hints": ["x"] * 51}, "hints"),
        ({"hints": [7]}, "hints"),
        ({"hints": [None]}, "hints"),
        ({"hints": {"a": 1}}, "hints"),
        ({"hints": "one"}, "hints"),
    ):
        answer = await refused(design.UpdateProblem(updating(problem, **changes), metadata=ana))
        assert (answer[0], answer[1]["detail"][0]["loc"]) == (422, ["body", field])


async def test_only_the_author_may_change_or_delete(
    design: Design, make: Make, ana: Metadata, new_user: Callable[[], Metadata]
) -> None:
    problem = await make()
    other = new_user()
    removal = pb.DeleteProblemRequest(problem_id=problem["id"])

    assert await refused(design.UpdateProblem(updating(problem, title="Mine"), metadata=other)) == (
        403,
        {"detail": "Not authorized to update this problem"},
    )
    assert await refused(design.DeleteProblem(removal, metadata=other)) == NOT_DELETED

    assert (await shown(design.DeleteProblem(removal, metadata=ana)))[0] == 204
    assert await refused(design.DeleteProblem(removal, metadata=ana)) == NOT_DELETED
    assert await refused(design.GetProblem(pb.GetProblemRequest(problem_id=problem["id"]))) == NOT_FOUND


async def test_changing_anything_needs_a_token(design: Design, make: Make, tokens: TestTokens) -> None:
    problem = await make()
    for metadata in ((), tokens.bearer(5, exp=1)):
        for call in (
            design.CreateProblem(pb.ProblemBody(**DOCUMENTED), metadata=metadata),
            design.ListMyProblems(pb.ListMyProblemsRequest(), metadata=metadata),
            design.UpdateProblem(updating(problem, title="x"), metadata=metadata),
            design.DeleteProblem(pb.DeleteProblemRequest(problem_id=problem["id"]), metadata=metadata),
        ):
            status, body = await refused(call)
            assert status == 401
            assert list(body) == ["detail"]
            assert isinstance(body["detail"], str)


async def test_a_repeated_request_has_one_effect_and_its_first_answer(
    design: Design, make: Make, ana: Metadata
) -> None:
    keyed = (*ana, ("idempotency-key", "k1"))
    body = pb.ProblemBody(**DOCUMENTED)

    answers = await asyncio.gather(*(shown(design.CreateProblem(body, metadata=keyed)) for _ in range(4)))

    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0] == 201
    body.title = "Another"
    status, answer = await refused(design.CreateProblem(body, metadata=keyed))
    assert (status, list(answer), type(answer["detail"])) == (422, ["detail"], str)
    mine = (await shown(design.ListMyProblems(pb.ListMyProblemsRequest(), metadata=ana)))[1]
    assert mine["total"] == 1
    removal = pb.DeleteProblemRequest(problem_id=answers[0][1]["problem"]["id"])
    for _ in range(2):
        gone = design.DeleteProblem(removal, metadata=(*ana, ("idempotency-key", "k2")))
        assert (await shown(gone))[0] == 204


async def test_the_second_of_an_id_is_the_one_the_problem_was_made_in(
    design: Design, make: Make, database_url: str
) -> None:
    problem = await make()
    number = int(problem["id"][8:], 16)
    made_at = datetime(2024, 1, 15, 10, 30, 0, 999_999, tzinfo=UTC)
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        await connection.execute(
            "UPDATE catalog.problems SET created_at = %s WHERE problem_id = %s", [made_at, number]
        )

    call = design.GetProblem(pb.GetProblemRequest(problem_id=object_ids.encode(made_at, number)))

    assert (await shown(call))[1]["created_at"] == "2024-01-15T10:30:00Z"
    assert await refused(design.GetProblem(pb.GetProblemRequest(problem_id=problem["id"]))) == NOT_FOUND


async def test_an_account_makes_so_many_problems_and_more_when_it_deleted_some(
    service_settings: dict[str, Any], tokens: TestTokens
) -> None:
    who, other = tokens.bearer(920_001), tokens.bearer(920_002)
    async with (
        serving(Settings(**service_settings, quota_problems=2)) as server,
        grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        limited: Any = rpc.DesignProblemsServiceStub(channel)
        made = [await limited.CreateProblem(pb.ProblemBody(**DOCUMENTED), metadata=who) for _ in range(2)]
        status, body = await refused(limited.CreateProblem(pb.ProblemBody(**DOCUMENTED), metadata=who))
        assert (status, body) == (429, {"detail": "Too many problems; delete some first"})
        assert (await limited.CreateProblem(pb.ProblemBody(**DOCUMENTED), metadata=other)).problem.id
        gone = pb.DeleteProblemRequest(problem_id=made[0].problem.id)
        await limited.DeleteProblem(gone, metadata=who)
        assert (await limited.CreateProblem(pb.ProblemBody(**DOCUMENTED), metadata=who)).problem.id
