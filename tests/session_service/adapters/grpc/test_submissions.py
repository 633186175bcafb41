"""Submissions through the canonical API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from practice.catalog.v1 import problem_pb2, problem_service_pb2, problem_service_pb2_grpc
from practice.session.v1 import submission_pb2
from practice.session.v1 import submission_service_pb2 as pb
from practice.session.v1 import submission_service_pb2_grpc as rpc

from tests.grpc_errors import outcome, refusal
from tests.session_service.clients import Learner, Metadata, elapsed

Code = grpc.StatusCode
Stub: TypeAlias = "rpc.SubmissionServiceAsyncStub"
DOCUMENT = '{"x": 1.0}'


class Author:
    """Calls the API of submissions as one learner."""

    def __init__(self, stub: Stub, metadata: Metadata) -> None:
        self.stub = stub
        self.metadata = metadata

    def call(self, method: str, **fields: Any) -> Any:
        request = getattr(pb, f"{method}Request")(**fields)
        return getattr(self.stub, method)(request, metadata=self.metadata)

    def create(self, problem: str, request_id: str = "", **fields: Any) -> Any:
        submission = submission_pb2.Submission(content=problem, **{"document": DOCUMENT, **fields})
        return self.call("CreateSubmission", submission=submission, request_id=request_id)

    def update(self, name: str, paths: list[str] | None = None, **fields: Any) -> Any:
        mask = {} if paths is None else {"update_mask": FieldMask(paths=paths)}
        return self.call(
            "UpdateSubmission", submission=submission_pb2.Submission(name=name, **fields), **mask
        )


@pytest.fixture
def author(channel: grpc.aio.Channel, me: Metadata) -> Author:
    return Author(rpc.SubmissionServiceStub(channel), me)


@pytest.fixture
def other(channel: grpc.aio.Channel, somebody: Metadata) -> Author:
    return Author(rpc.SubmissionServiceStub(channel), somebody)


@pytest.fixture
async def problem(catalog_address: str, me: Metadata) -> AsyncIterator[str]:
    """A problem's name."""
    async with grpc.aio.insecure_channel(catalog_address) as channel:
        problem = problem_pb2.Problem(title="A cache", description="Design it.", difficulty="easy")
        request = problem_service_pb2.CreateProblemRequest(problem=problem)
        stub = problem_service_pb2_grpc.ProblemServiceStub(channel)
        yield (await stub.CreateProblem(request, metadata=me)).name


async def test_one_made_by_hand_is_what_was_sent(author: Author, problem: str, user_id: int) -> None:
    made = await author.create(problem)
    assert (made.user_id, made.content, made.document) == (user_id, problem, DOCUMENT)
    assert (made.session, made.score, made.status) == ("", 0, "in-progress")
    assert made.HasField("feedback")
    assert made.HasField("elapsed")
    assert made.submit_time == made.update_time
    assert await author.call("GetSubmission", name=made.name) == made


async def test_submitting_ends_the_session_and_copies_its_work(
    author: Author, learner: Learner, problem: str
) -> None:
    session = await learner.start("design", content=problem)
    await learner.call("SaveDraft", name=session.name, content=DOCUMENT, elapsed=elapsed(90))
    await learner.call("AddMessage", name=session.name, role="user", content="Why?")

    made = await author.call("SubmitSession", name=session.name)

    assert (made.session, made.content, made.document) == (session.name, problem, DOCUMENT)
    assert (made.status, made.elapsed.seconds) == ("completed", 90)
    assert [(line.position, line.role, line.content) for line in made.messages] == [(1, "user", "Why?")]
    ended = await learner.call("GetSession", name=session.name)
    assert ended.state == ended.STATE_COMPLETED
    assert ended.user_seq == 1
    refused = await refusal(author.call("SubmitSession", name=session.name))
    assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, "SESSION_ENDED")


async def test_sessions_of_other_products_are_not_handed_in(author: Author, learner: Learner) -> None:
    session = await learner.start("exercises")
    refused = await refusal(author.call("SubmitSession", name=session.name))
    assert (refused.code, refused.reason) == (Code.INVALID_ARGUMENT, "OUTCOME_NOT_ALLOWED")
    assert await learner.call("GetSession", name=session.name) == session


async def test_a_request_sent_again_gets_the_first_answer(
    author: Author, learner: Learner, problem: str
) -> None:
    session = await learner.start("design", content=problem)
    requests = [author.call("SubmitSession", name=session.name, request_id="one") for _ in range(4)]
    first, *others = await asyncio.gather(*requests)
    assert others == [first] * 3
    made = await author.create(problem, request_id="two")
    assert await author.create(problem, request_id="two") == made
    line = {"name": made.name, "role": "user", "content": "Why?", "request_id": "three"}
    told = await author.call("AddSubmissionMessage", **line)
    assert await author.call("AddSubmissionMessage", **line) == told
    for _ in range(2):
        await author.call("DeleteSubmission", name=made.name, request_id="four")
    assert (await author.call("ListSubmissions")).total_size == 1


async def test_pages_hold_the_newest_first_without_work(author: Author, problem: str) -> None:
    made = [(await author.create(problem)).name for _ in range(5)]
    names: list[str] = []
    token = ""
    while True:
        page = await author.call("ListSubmissions", page_size=2, page_token=token, content=problem)
        assert page.total_size == 5
        assert not any(each.document or each.messages for each in page.submissions)
        names += [each.name for each in page.submissions]
        if not (token := page.next_page_token):
            break
    assert names == made[::-1]
    assert not (await author.call("ListSubmissions", content="problems/999999999")).submissions
    token = (await author.call("ListSubmissions", page_size=2)).next_page_token
    for fields in ({"page_token": "x"}, {"page_token": token, "content": problem}):
        assert (await refusal(author.call("ListSubmissions", **fields))).reason == "PAGE_TOKEN_INVALID"


async def test_an_update_changes_what_the_mask_names(author: Author, problem: str) -> None:
    made = await author.create(problem)
    changed = await author.update(made.name, ["score"], score=80, status="completed")
    assert (changed.score, changed.status) == (80, "in-progress")
    changed = await author.update(made.name, None, status="completed", elapsed=elapsed(7), etag=changed.etag)
    assert (changed.score, changed.status, changed.elapsed.seconds) == (80, "completed", 7)
    feedback = submission_pb2.SubmissionFeedback(strengths=["Fast"])
    changed = await author.update(made.name, ["*"], feedback=feedback, document="[]")
    assert (changed.score, changed.document, changed.feedback) == (0, "[]", feedback)
    assert await author.call("GetSubmission", name=made.name) == changed
    stale = await refusal(author.update(made.name, ["score"], score=1, etag=made.etag))
    assert (stale.code, stale.reason) == (Code.ABORTED, "ETAG_MISMATCH")


@pytest.mark.parametrize(
    ("paths", "fields", "reason"),
    [
        (["user_id"], {}, "FIELD_INVALID"),
        (["score"], {"score": 101}, "FIELD_INVALID"),
        (["status"], {"status": "done"}, "FIELD_INVALID"),
        (["elapsed"], {"elapsed": elapsed(-1)}, "FIELD_INVALID"),
        (["elapsed"], {"elapsed": elapsed(2**31)}, "FIELD_INVALID"),
        (["document"], {"document": "{"}, "DRAFT_INVALID"),
        (["document"], {"document": "[" * 65 + "]" * 65}, "DRAFT_INVALID"),
    ],
)
async def test_updates_that_cannot_be_are_refused(
    author: Author, problem: str, paths: list[str], fields: dict[str, Any], reason: str
) -> None:
    made = await author.create(problem)
    refused = await refusal(author.update(made.name, paths, **fields))
    assert (refused.code, refused.reason) == (Code.INVALID_ARGUMENT, reason)
    assert await author.call("GetSubmission", name=made.name) == made


@pytest.mark.parametrize("name", ["submissions/0", "submissions/x", "7", "", "submissions/" + "9" * 19])
async def test_a_name_that_is_none_is_refused(author: Author, name: str) -> None:
    for call in (author.update(name, ["score"], score=1), author.call("GetSubmission", name=name)):
        assert (await refusal(call)).reason == "FIELD_INVALID"


async def test_submissions_that_are_not_mine_are_not_found(
    author: Author, other: Author, problem: str
) -> None:
    made = await author.create(problem)
    for name in (made.name, "submissions/999999999"):
        for call in (
            other.call("GetSubmission", name=name),
            other.update(name, ["score"], score=1),
            other.call("AddSubmissionMessage", name=name, role="user", content="x"),
            other.call("DeleteSubmission", name=name),
        ):
            refused = await refusal(call)
            assert (refused.code, refused.reason) == (Code.NOT_FOUND, "SUBMISSION_NOT_FOUND")
            assert refused.metadata == {"submission": name}
    assert await author.call("GetSubmission", name=made.name) == made


async def test_submissions_need_content_and_a_document(author: Author, problem: str) -> None:
    assert (await refusal(author.create("problems/999999999"))).reason == "CONTENT_NOT_FOUND"
    assert (await refusal(author.create("exercises/123"))).reason == "FIELD_INVALID"
    assert (await refusal(author.create(problem, document="nothing"))).reason == "DRAFT_INVALID"
    assert (await author.create(problem, document="")).document == "{}"


async def test_updates_at_once_with_one_etag_change_it_once(author: Author, problem: str) -> None:
    made = await author.create(problem)
    updates = (author.update(made.name, ["score"], score=score, etag=made.etag) for score in range(1, 6))
    outcomes = await asyncio.gather(*map(outcome, updates))
    won = [each for each in outcomes if isinstance(each, submission_pb2.Submission)]
    assert len(won) == 1
    assert await author.call("GetSubmission", name=made.name) == won[0]
