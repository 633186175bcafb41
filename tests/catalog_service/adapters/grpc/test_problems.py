"""Problems that people share, over the canonical API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import grpc
import psycopg
import pytest
from google.protobuf.empty_pb2 import Empty
from google.protobuf.field_mask_pb2 import FieldMask
from practice.catalog.v1 import catalog_service_pb2, catalog_service_pb2_grpc, problem_pb2
from practice.catalog.v1 import problem_service_pb2 as pb
from practice.catalog.v1 import problem_service_pb2_grpc as rpc

from service_kit.paging import encode_page_token
from tests.catalog_service.contents import new_token, problem
from tests.databases import lock_waiters
from tests.grpc_errors import Refusal, outcome, refusal
from tests.tokens import TestTokens

Metadata = tuple[tuple[str, str], ...]
Problems: TypeAlias = "rpc.ProblemServiceAsyncStub"
NewUser = Callable[[], Metadata]


async def made(problems: Problems, who: Metadata, **changes: Any) -> problem_pb2.Problem:
    return await problems.CreateProblem(pb.CreateProblemRequest(problem=problem(**changes)), metadata=who)


async def shown(problems: Problems, name: str, who: Metadata = ()) -> problem_pb2.Problem:
    return await problems.GetProblem(pb.GetProblemRequest(name=name), metadata=who)


def update(name: str, *paths: str, request_id: str = "", **values: Any) -> pb.UpdateProblemRequest:
    return pb.UpdateProblemRequest(
        problem=problem_pb2.Problem(name=name, **values),
        update_mask=FieldMask(paths=paths) if paths else None,
        request_id=request_id,
    )


async def test_a_problem_is_everybodys_to_read_as_its_author_wrote_it(
    problems: Problems, tokens: TestTokens
) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    wanted = problem(title="Čaj & <b>“Tea”</b>\n%_\\", owner_id=99, owner_email="x@example.com")
    wanted.name, wanted.problem_id = "problems/1", 1

    created = await problems.CreateProblem(
        pb.CreateProblemRequest(problem=wanted), metadata=tokens.bearer(77, "ana@example.com")
    )

    assert created == await shown(problems, created.name, tokens.bearer(77))
    assert created.name == f"problems/{created.problem_id}"
    assert (created.owner_id, created.owner_email) == (77, "ana@example.com")
    assert before < created.create_time.ToDatetime(UTC) < before + timedelta(seconds=20)
    assert created.update_time == created.create_time
    for field in ("title", "description", "difficulty", "categories", "requirements", "constraints", "hints"):
        assert getattr(created, field) == getattr(wanted, field)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "problem.title"),
        ({"title": "x" * 201}, "problem.title"),
        ({"description": "x" * 10_001}, "problem.description"),
        ({"difficulty": "brutal"}, "problem.difficulty"),
        ({"difficulty": ""}, "problem.difficulty"),
        ({"categories": ["x"] * 21}, "problem.categories"),
        ({"hints": [""]}, "problem.hints"),
        ({"requirements": ["x" * 1_000] * 41}, "problem"),
        ({"hints": ["<" * 1_000] * 7}, "problem"),
        ({"title": "a\0"}, None),
        ({"title": "\u3164"}, "title"),
        ({"title": "\u202eelttab"}, "title"),
        ({"description": " \n\u200b"}, "description"),
        ({"categories": ["Caching", "\u2800"]}, "categories"),
    ],
)
async def test_a_problem_that_breaks_a_rule_is_not_made(
    problems: Problems, ana: Metadata, changes: dict[str, Any], field: str | None
) -> None:
    request = pb.CreateProblemRequest(problem=problem(**changes))

    refused = await refusal(problems.CreateProblem(request, metadata=ana))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
    assert refused.metadata.get("field") == field
    mine = await problems.ListProblems(pb.ListProblemsRequest(mine=True), metadata=ana)
    assert mine.total_size == 0


async def test_nobody_but_the_author_is_told_who_wrote_a_problem(
    problems: Problems, tokens: TestTokens, ana: Metadata
) -> None:
    token = new_token()
    author = tokens.bearer(77, "ana@example.com")
    created = await made(problems, author, title=token)
    listing = pb.ListProblemsRequest(query=token)

    for who, told in ((author, (77, "ana@example.com")), (ana, (0, "")), ((), (0, ""))):
        one = await shown(problems, created.name, who)
        (listed,) = (await problems.ListProblems(listing, metadata=who)).problems
        assert (one.owner_id, one.owner_email) == (listed.owner_id, listed.owner_email) == told


async def test_a_full_page_of_the_largest_problems_fits_into_a_message(
    problems: Problems, ana: Metadata
) -> None:
    token = new_token()
    largest = {"title": token, "description": "ж" * 10_000, "requirements": ["x" * 1_000] * 19}
    for chunk in range(0, 100, 10):
        await asyncio.gather(*(made(problems, ana, **largest) for _ in range(chunk, chunk + 10)))

    listed = await problems.ListProblems(pb.ListProblemsRequest(page_size=100, query=token))

    assert len(listed.problems) == listed.total_size == 100


async def test_a_repeated_create_makes_one_problem(
    problems: Problems, ana: Metadata, new_user: NewUser
) -> None:
    request = pb.CreateProblemRequest(problem=problem(), request_id="once")

    first, *others = await asyncio.gather(*(problems.CreateProblem(request, metadata=ana) for _ in range(5)))

    assert all(other == first for other in others)
    mine = await problems.ListProblems(pb.ListProblemsRequest(mine=True), metadata=ana)
    assert mine.total_size == 1
    request.problem.title = "Another"
    assert (await refusal(problems.CreateProblem(request, metadata=ana))).reason == "IDEMPOTENCY_KEY_REUSED"
    # The key of one user says nothing about another's.
    assert (await problems.CreateProblem(request, metadata=new_user())).name != first.name


async def test_a_create_that_failed_leaves_its_key_free(
    problems: Problems, ana: Metadata, database_url: str
) -> None:
    request = pb.CreateProblemRequest(problem=problem(), request_id="k")
    async with await psycopg.AsyncConnection.connect(database_url) as holder:
        await holder.execute("LOCK TABLE catalog.problems IN EXCLUSIVE MODE")
        creating = asyncio.create_task(outcome(problems.CreateProblem(request, metadata=ana)))
        await lock_waiters(database_url)
        await holder.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        assert (await creating).reason == "DEPENDENCY_UNAVAILABLE"

    await problems.CreateProblem(request, metadata=ana)

    mine = await problems.ListProblems(pb.ListProblemsRequest(mine=True), metadata=ana)
    assert mine.total_size == 1


async def test_an_unknown_problem_is_not_found(problems: Problems, ana: Metadata) -> None:
    name = f"problems/{10**18 - 1}"
    for call in (
        problems.GetProblem(pb.GetProblemRequest(name=name)),
        problems.UpdateProblem(update(name, title="x"), metadata=ana),
        problems.DeleteProblem(pb.DeleteProblemRequest(name=name), metadata=ana),
    ):
        refused = await refusal(call)
        assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "CONTENT_NOT_FOUND")
        assert refused.metadata == {"content": name}


async def test_only_its_author_changes_or_deletes_a_problem(
    problems: Problems, ana: Metadata, new_user: NewUser
) -> None:
    created = await made(problems, ana)
    for who, code, reason in (
        (new_user(), grpc.StatusCode.PERMISSION_DENIED, "NOT_PERMITTED"),
        ((), grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID"),
    ):
        for call in (
            problems.UpdateProblem(update(created.name, title="Mine now"), metadata=who),
            problems.DeleteProblem(pb.DeleteProblemRequest(name=created.name), metadata=who),
        ):
            refused = await refusal(call)
            assert (refused.code, refused.reason) == (code, reason)

    assert await shown(problems, created.name, ana) == created


async def test_without_a_mask_the_fields_that_hold_something_change(
    problems: Problems, ana: Metadata
) -> None:
    created = await made(problems, ana)

    request = update(created.name, title="Design a Pastebin", hints=["tea"])
    changed = await problems.UpdateProblem(request, metadata=ana)

    assert changed == await shown(problems, created.name, ana)
    assert (changed.title, list(changed.hints)) == ("Design a Pastebin", ["tea"])
    assert changed.update_time.ToDatetime() > created.update_time.ToDatetime()
    created.title, created.hints[:] = changed.title, changed.hints
    created.update_time.CopyFrom(changed.update_time)
    assert changed == created


async def test_a_mask_says_what_changes_and_empties(problems: Problems, ana: Metadata) -> None:
    created = await made(problems, ana)
    request = update(
        created.name, "hints", "estimated_time", "title", "name", "owner_id", title="T", description="D"
    )

    changed = await problems.UpdateProblem(request, metadata=ana)

    assert (changed.title, list(changed.hints), changed.estimated_time) == ("T", [], "")
    assert (changed.description, list(changed.categories)) == (created.description, list(created.categories))
    assert changed.owner_id == created.owner_id

    whole = update(created.name, "*", title="T2", description="D2", difficulty="hard")
    changed = await problems.UpdateProblem(whole, metadata=ana)
    assert (changed.title, changed.description, changed.difficulty) == ("T2", "D2", "hard")
    assert not (changed.categories or changed.requirements or changed.constraints)


@pytest.mark.parametrize(
    ("paths", "values", "field"),
    [
        (["title"], {}, "problem.title"),
        (["*"], {"title": "T", "description": "D"}, "problem.difficulty"),
        (["difficulty"], {"difficulty": "brutal"}, "problem.difficulty"),
        ([], {"hints": ["x"] * 51}, "problem.hints"),
        (["grams"], {}, "update_mask"),
        (["title.x"], {"title": "T"}, "update_mask"),
        ([], {"requirements": ["x" * 1_000] * 41}, "problem"),
    ],
)
async def test_a_change_that_breaks_a_rule_changes_nothing(
    problems: Problems, ana: Metadata, paths: list[str], values: dict[str, Any], field: str
) -> None:
    created = await made(problems, ana)

    refused = await refusal(problems.UpdateProblem(update(created.name, *paths, **values), metadata=ana))

    assert (refused.reason, refused.metadata["field"]) == ("FIELD_INVALID", field)
    assert await shown(problems, created.name, ana) == created


@pytest.mark.parametrize("name", ["", "problems/0", "problems/x", "problems/1234567890123456789", "words/a"])
async def test_a_name_of_another_form_is_invalid(problems: Problems, ana: Metadata, name: str) -> None:
    refused = await refusal(problems.UpdateProblem(update(name, title="x"), metadata=ana))

    assert (refused.reason, refused.metadata["field"]) == ("FIELD_INVALID", "problem.name")


async def test_changes_of_different_fields_at_the_same_time_all_stay(
    problems: Problems, ana: Metadata, database_url: str
) -> None:
    created = await made(problems, ana)
    async with await psycopg.AsyncConnection.connect(database_url) as holder:
        await holder.execute(
            "SELECT FROM catalog.problems WHERE problem_id = %s FOR UPDATE", [created.problem_id]
        )
        changes = [
            asyncio.create_task(outcome(problems.UpdateProblem(update(created.name, **change), metadata=ana)))
            for change in ({"title": "New title"}, {"description": "New text"}, {"hints": ["new"]})
        ]
        await lock_waiters(database_url, 3)
    times = [change.update_time.ToDatetime() for change in await asyncio.gather(*changes)]

    last = await shown(problems, created.name)
    assert (last.title, last.description, list(last.hints)) == ("New title", "New text", ["new"])
    assert last.update_time.ToDatetime() == max(times)
    found = await problems.ListProblems(
        pb.ListProblemsRequest(query="new TITLE text", mine=True), metadata=ana
    )
    assert [each.name for each in found.problems] == [created.name]


async def test_of_changes_of_one_field_at_the_same_time_the_last_stays_whole(
    problems: Problems, ana: Metadata
) -> None:
    created = await made(problems, ana)

    changed = await asyncio.gather(
        *(
            problems.UpdateProblem(update(created.name, title=f"T{n}", description=f"D{n}"), metadata=ana)
            for n in range(8)
        )
    )

    last = max(changed, key=lambda each: each.update_time.ToDatetime())
    assert await shown(problems, created.name, ana) == last
    assert last.title[1:] == last.description[1:]


async def test_a_repeated_update_and_a_repeated_delete_answer_as_at_first(
    problems: Problems, ana: Metadata
) -> None:
    created = await made(problems, ana)
    change = update(created.name, title="First", request_id="u")
    first = await problems.UpdateProblem(change, metadata=ana)
    await problems.UpdateProblem(update(created.name, title="Second"), metadata=ana)

    assert await problems.UpdateProblem(change, metadata=ana) == first
    assert (await shown(problems, created.name)).title == "Second"

    removal = pb.DeleteProblemRequest(name=created.name, request_id="d")
    for _ in range(2):
        assert await problems.DeleteProblem(removal, metadata=ana) == Empty()
    removal.request_id = "e"
    assert (await refusal(problems.DeleteProblem(removal, metadata=ana))).reason == "CONTENT_NOT_FOUND"


async def test_a_change_that_changes_nothing_keeps_the_time(problems: Problems, ana: Metadata) -> None:
    created = await made(problems, ana)

    assert await problems.UpdateProblem(update(created.name, title=created.title), metadata=ana) == created
    assert await problems.UpdateProblem(update(created.name), metadata=ana) == created


async def test_a_deleted_problem_is_nowhere_and_its_number_is_not_used_again(
    problems: Problems,
    admin: catalog_service_pb2_grpc.CatalogAdminServiceAsyncStub,
    ana: Metadata,
    internal: Metadata,
) -> None:
    created = await made(problems, ana)
    removal = pb.DeleteProblemRequest(name=created.name)

    outcomes = await asyncio.gather(
        *(outcome(problems.DeleteProblem(removal, metadata=ana)) for _ in range(4))
    )

    assert [each.reason for each in outcomes if isinstance(each, Refusal)] == ["CONTENT_NOT_FOUND"] * 3
    assert (await refusal(shown(problems, created.name))).reason == "CONTENT_NOT_FOUND"
    named = catalog_service_pb2.FindContentRequest(names=[created.name])
    assert not (await admin.FindContent(named, metadata=internal)).names
    assert (await made(problems, ana)).problem_id > created.problem_id


async def test_pages_hold_every_problem_once_the_newest_first(
    problems: Problems, ana: Metadata, new_user: NewUser
) -> None:
    names = [(await made(problems, ana)).name for _ in range(5)]
    stranger = await made(problems, new_user())

    shown_names: list[str] = []
    token = ""
    for size in (2, 2, 1):
        request = pb.ListProblemsRequest(mine=True, page_size=2, page_token=token)
        page = await problems.ListProblems(request, metadata=ana)
        assert (len(page.problems), page.total_size) == (size, 5)
        shown_names += [each.name for each in page.problems]
        token = page.next_page_token

    assert token == ""
    assert shown_names == names[::-1]
    everybodys = await problems.ListProblems(pb.ListProblemsRequest(page_size=6))
    assert [each.name for each in everybodys.problems] == [stranger.name, *names[::-1]]
    assert everybodys.total_size >= 6
    default = await problems.ListProblems(pb.ListProblemsRequest())
    assert len(default.problems) <= 20


async def test_a_new_problem_moves_no_page(problems: Problems, ana: Metadata) -> None:
    names = [(await made(problems, ana)).name for _ in range(3)]
    request = pb.ListProblemsRequest(mine=True, page_size=1)
    first = await problems.ListProblems(request, metadata=ana)
    await made(problems, ana)

    request.page_token = first.next_page_token
    second = await problems.ListProblems(request, metadata=ana)

    assert [first.problems[0].name, second.problems[0].name] == names[:0:-1]


async def test_ones_own_problems_need_a_good_token(problems: Problems, tokens: TestTokens) -> None:
    for metadata in ((), tokens.bearer(5, exp=1), (("authorization", "Bearer x"),)):
        assert await problems.ListProblems(pb.ListProblemsRequest(page_size=1), metadata=metadata)
        refused = await refusal(problems.ListProblems(pb.ListProblemsRequest(mine=True), metadata=metadata))
        assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")


@pytest.mark.parametrize(
    "token",
    [
        "garbage",
        encode_page_token("ListProblems", ["other", None], 5),
        encode_page_token("ListProblems", ["", 7], 5),
        encode_page_token("ListProblems", ["", None], "5"),
    ],
)
async def test_a_page_token_of_another_list_or_a_forged_one_is_refused(
    problems: Problems, token: str
) -> None:
    refused = await refusal(problems.ListProblems(pb.ListProblemsRequest(page_token=token)))

    assert refused.reason == "PAGE_TOKEN_INVALID"
