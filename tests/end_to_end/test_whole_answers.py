"""A repeat under its key gets the first answer whole, whatever the work became since."""

from __future__ import annotations

import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import httpx
import pytest

from gateway.contracts import path_pattern, public_methods
from gateway.settings import ROOT
from tests.end_to_end.changes import Step, journeys
from tests.stack import Learner

# They change nothing that a repeat could change twice, and tokens lie in no table; an erasure leaves nothing.
FREE = {"LogIn", "RefreshAccessToken", "Refresh", "EraseMe"}
JOURNEYS = journeys("")


class Sent(NamedTuple):
    """A call as it was sent, and its answer."""

    method: str
    path: str
    body: Any
    headers: dict[str, str]
    answer: httpx.Response

    def again(self, learner: Learner) -> httpx.Response:
        """Sends the very same once more."""
        return learner.send(self.method, self.path, self.body, **self.headers)


def filled(template: Any, known: dict[str, Any]) -> Any:
    if isinstance(template, dict):
        return {name: filled(each, known) for name, each in template.items()}
    if isinstance(template, list):
        return [filled(each, known) for each in template]
    if not isinstance(template, str):
        return template
    whole = re.fullmatch(r"\{(\w+)\}", template)
    return known[whole[1]] if whole else template


def found(answer: Any, path: str) -> Any:
    for member in path.split("."):
        answer = answer[member]
    return answer


def travel(learner: Learner, steps: list[Step]) -> list[Sent]:
    known: dict[str, Any] = {}
    sent = []
    for step in steps:
        path, body = step.path.format(**known), filled(step.body, known)
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        answer = learner.send(step.method, path, body, **headers)
        assert answer.is_success, f"{step.method} {path}: {answer.status_code} {answer.text}"
        known |= {name: found(answer.json(), where) for name, where in step.keeps.items()}
        sent.append(Sent(step.method, path, body, headers, answer))
    return sent


def told(answer: httpx.Response) -> tuple[int, bytes, tuple[str | None, ...]]:
    headers = answer.headers
    kept = tuple(headers.get(name) for name in ("etag", "content-type", "x-practice-user-seq"))
    return answer.status_code, answer.content, kept


@pytest.mark.parametrize("journey", JOURNEYS)
def test_a_repeat_is_answered_as_the_first_call_was(learner: Learner, journey: str) -> None:
    for sent in travel(learner, journeys(learner.password)[journey]):
        assert told(sent.again(learner)) == told(sent.answer), f"{sent.method} {sent.path}"


def test_every_call_that_changes_something_is_among_them() -> None:
    made = {(step.method, step.path) for steps in JOURNEYS.values() for step in steps}
    bindings = [
        (method.name, binding.verb, binding.path)
        for method in public_methods(ROOT / "generated" / "practice.binpb")
        if method.name.rpartition("/")[2] not in FREE
        for binding in method.bindings
        if binding.verb != "GET"
    ]
    missing = [
        name
        for name, verb, template in bindings
        if not any(verb == method and matches(template, path) for method, path in made)
    ]
    assert not missing


def matches(template: str, path: str) -> bool:
    """Tells whether a step's path is one of a template's, whatever its placeholders stand for."""
    wild = re.sub(r"\{(name|made|problem|pause)\}", "x/1", path) if path.startswith("/v1/") else path
    names = path_pattern(template).replace("sessions/", "x/").replace("submissions/", "x/")
    names = names.replace("problems/", "x/").replace("pauses/", "x/")
    return re.fullmatch(path_pattern(template), path) is not None or re.fullmatch(names, wild) is not None


def test_requests_at_the_same_instant_get_one_answer(learner: Learner) -> None:
    problem = learner.ok("GET", "/design/problems?limit=1")["problems"][0]["id"]
    headers = {"Idempotency-Key": uuid.uuid4().hex}

    def start(_: int) -> httpx.Response:
        return learner.send("POST", "/design/sessions", {"problem_id": problem}, **headers)

    # As many as an account may send at once of what brings documents.
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(start, range(6)))
    assert len({told(answer) for answer in answers}) == 1
    assert answers[0].status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "spellings", "other"),
    [
        (
            "PUT",
            "/design/sessions/{session}/autosave",
            [
                b'{"diagram_data":{"a":1,"b":"\xc3\xb1"},"time_spent":5}',
                b'{ "time_spent": 5.0,\n "diagram_data": {"b": "\\u00f1", "a": 1}, "unknown": 1 }',
            ],
            b'{"diagram_data":{"a":2,"b":"\xc3\xb1"},"time_spent":5}',
        ),
        (
            "POST",
            "/design/submissions",
            [
                b'{"problem_id":"{problem}","diagram_data":{"a":1},"status":"in-progress"}',
                b'{"diagram_data": {"a": 1}, "problem_id": "{problem}"}',
            ],
            b'{"problem_id":"{problem}","diagram_data":{"a":1},"status":"completed"}',
        ),
        (
            "PUT",
            "/design/submissions/{submission}",
            [
                b'{"score":5,"feedback":{"strengths":["a"]}}',
                b'{"feedback": {"strengths": ["\\u0061"]}, "score": 5}',
            ],
            b'{"score":6,"feedback":{"strengths":["a"]}}',
        ),
    ],
)
def test_two_spellings_are_one_request(
    learner: Learner, method: str, path: str, spellings: list[bytes], other: bytes
) -> None:
    problem = learner.ok("GET", "/design/problems?limit=1")["problems"][0]["id"]
    session = learner.ok("POST", "/design/sessions", {"problem_id": problem}, status=201)["id"]
    body = {"problem_id": problem, "diagram_data": {}}
    submission = learner.ok("POST", "/design/submissions", body, status=201)["submission"]["id"]
    where = path.format(session=session, submission=submission)
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    first, again, refused = (
        learner.send(method, where, text.replace(b"{problem}", problem.encode()), **headers)
        for text in (*spellings, other)
    )
    assert first.is_success, first.text
    assert told(again) == told(first)
    assert refused.status_code == 422
