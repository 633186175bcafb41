"""The examples of the REST APIs' descriptions, sent again to the gateway in their order.

`make examples` runs this with `--keep-examples`, which writes what was answered.
"""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from deploy.local.stack import LocalStack
from gateway.openapi.examples import DIRECTORY, Example, read_answers, read_calls, shorten, write_answers
from tests import described
from tests.offline import uuid7
from tests.stack import Learner, MakeLearner, open_client

NAMES = sorted(file.stem for file in DIRECTORY.glob("*.yaml"))
NOBODY = "nobody"
# Of what is kept, what is a secret is shown as something else, by the last word of its name.
SHOWN = {"password": "correct horse battery staple", "token": "eyJhbGci..."}


def find(name: str, operation: str) -> tuple[str, str]:
    """Returns the verb and the path of an operation."""
    for path, verbs in described.document(name)["paths"].items():
        for verb, told in verbs.items():
            if told["operationId"] == operation:
                return verb.upper(), path
    raise LookupError(f"{name} has no operation {operation}")


def first_event(client: httpx.Client, request: httpx.Request) -> httpx.Response:
    """Returns an answer of server-sent events until the first is read: there may be no end."""
    response = client.send(request, stream=True)
    text = ""
    try:
        for piece in response.iter_text():
            text += piece
            if described.read_events(text):
                break
    finally:
        response.close()
    return httpx.Response(
        response.status_code, headers=response.headers, content=text.encode(), request=request
    )


class Story:
    """The calls of one document, one after the other."""

    def __init__(self, name: str, stack: LocalStack, make_learner: MakeLearner) -> None:
        self.name = name
        operators = name == "operators"
        gateway = (
            f"http://127.0.0.1:{stack.settings.ports.gateway_operators}" if operators else stack.gateway_url
        )
        now = datetime.now(UTC).replace(microsecond=0)
        half_an_hour = timedelta(minutes=30)
        # An account that is yet to be made, a key, and days to come.
        self.known: dict[str, Any] = {
            "fresh_email": f"new.{uuid.uuid4().hex[:12]}@example.com",
            "fresh_password": uuid.uuid4().hex,
            "fresh_id": str(uuid.uuid4()),
            "fresh_alias": f"Owl {uuid.uuid4().hex[:8]}",
            "device_id": uuid7(now - half_an_hour),
            "an_hour_ago": (now - 2 * half_an_hour).isoformat(),
            "half_an_hour_ago": (now - half_an_hour).isoformat(),
            "fresh_badge": f"ten-drills-{uuid.uuid4().hex[:8]}",
            "yesterday": str(now.date() - timedelta(days=1)),
            "in_two_days": str(now.date() + timedelta(days=2)),
            "in_four_days": str(now.date() + timedelta(days=4)),
        }
        self.answers: dict[str, Any] = {}
        self._make_learner = make_learner
        self._callers: dict[str, httpx.Client] = {NOBODY: open_client(gateway)}
        if operators:
            token = (stack.layout.secrets / "internal_token").read_text().strip()
            self._join("ana")
            self._callers["ana"] = open_client(gateway, **{"x-practice-internal": token})

    def tell(self, call: Example) -> httpx.Response:
        client = self._callers.get(call.caller) or self._join(call.caller)
        filled = call.fill(self.known)
        verb, path = find(self.name, call.operation)
        for name, value in filled.path.items():
            path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
        missing = re.findall(r"\{[^}]*\}", path)
        assert not missing, f"{call.name}: nothing is said for {missing}"
        form = filled.headers.get("content-type") == "application/x-www-form-urlencoded"
        request = client.build_request(
            verb,
            path,
            params=filled.query or None,
            headers=dict(filled.headers),
            **({"data": filled.body} if form else {"json": filled.body}),
        )
        events = filled.headers.get("accept") == described.EVENTS
        response = first_event(client, request) if events else client.send(request)
        assert response.status_code == call.status, f"{call.name}: {response.status_code} {response.text}"
        described.check(response)
        return response

    def keep(self, call: Example, response: httpx.Response) -> None:
        kind = response.headers.get("content-type", "")
        is_json = kind.startswith("application/json") and response.content
        answer = response.json() if is_json else response.text if kind == described.EVENTS else None
        kept = {name: SHOWN.get(name.rpartition("_")[2], self.known[name]) for name in sorted(call.names())}
        self.answers[call.name] = {"kept": kept, "answer": shorten(answer)}
        self.known.update(call.keep_of(answer))

    def close(self) -> None:
        for client in self._callers.values():
            client.close()

    def _join(self, name: str) -> httpx.Client:
        learner: Learner = self._make_learner(name.capitalize())
        self._callers[name] = learner.client
        self.known[f"{name}_id"] = int(learner.account["user_id"])
        self.known[f"{name}_email"] = learner.email
        self.known[f"{name}_password"] = learner.password
        return learner.client


@pytest.mark.parametrize("name", NAMES)
def test_examples_are_answered_as_they_say(
    name: str, stack: LocalStack, make_learner: MakeLearner, pytestconfig: pytest.Config
) -> None:
    story = Story(name, stack, make_learner)
    kept = read_answers(name)
    keep = pytestconfig.getoption("--keep-examples")
    try:
        for call in read_calls(name):
            response = story.tell(call)
            story.keep(call, response)
            if not keep:
                assert call.name in kept, f"{call.name} is new: make examples"
    finally:
        story.close()
    if keep:
        write_answers(name, story.answers)
