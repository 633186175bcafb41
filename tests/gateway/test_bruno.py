"""Collections for Bruno: what their files say; `tests/end_to_end/test_bruno.py` sends them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gateway.openapi import bruno
from gateway.openapi.examples import Example, read_calls
from tests.described import document

DIGITS = re.compile(r"\d+")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("bruno")
    for name in ("focus", "canonical", "design", "operators"):
        bruno.write_collection(name, document(name), directory)
    return directory


def request(written: Path, name: str, call: str) -> str:
    """A request without what it says of its operation."""
    files = [file for file in (written / name).glob("*.bru") if f"name: {call}\n" in file.read_text()]
    assert len(files) == 1
    return files[0].read_text().partition("docs {")[0]


def test_a_request_has_the_path_of_its_operation_and_what_was_kept_in_its_places(written: Path) -> None:
    assert request(written, "focus", "pause").splitlines() == [
        *("meta {", "  name: pause", "  type: http", "  seq: 4", "}", ""),
        "patch {",
        "  url: {{baseUrl}}/focus/api/v1/sessions/{{session}}/pause",
        *("  body: json", "  auth: inherit", "}", ""),
        *("body:json {", "  {", '    "elapsed_seconds": 750,', '    "status": "paused"', "  }", "}", ""),
        *("assert {", "  res.status: eq 200", "}", ""),
    ]


def test_what_later_calls_say_is_kept_and_a_resource_by_its_id_too(written: Path) -> None:
    assert "vars:post-response {\n  session: res.body.data.id\n}" in request(
        written, "focus", "start a session"
    )
    problem = request(written, "canonical", "write a problem")
    assert "  problem: res.body.name\n" in problem
    assert '  problem_id: res.body.name.split("/").pop()\n' in problem
    badge = request(written, "canonical", "list badges to earn")
    assert "  badge: res.body.badges[0].definition.badge_id\n" in badge


def test_a_number_stays_one_and_a_text_a_text(written: Path) -> None:
    assert '"${' not in "".join(file.read_text() for file in written.rglob("*.bru"))
    assert '"user_ids": [\n      {{ana_id}}\n    ]' in request(written, "operators", "recalculate")
    assert '"content": "{{problem}}"' in request(written, "canonical", "start a design")


def test_queries_forms_and_callers_are_said(written: Path) -> None:
    listed = request(written, "canonical", "review a submission")
    assert "update_mask=score,feedback\n" in listed
    assert "params:query {\n  update_mask: score,feedback\n}" in listed
    log_in = request(written, "design", "log in")
    assert "body:form-urlencoded {\n  username: {{fresh_email}}\n" in log_in
    assert "auth: none" in log_in
    assert "auth:bearer {\n  token: {{bea_token}}\n}" in request(written, "canonical", "change the password")
    operator = request(written, "operators", "find nobody")
    assert "headers {\n  x-practice-internal: {{token}}\n}" in operator
    assert "x-practice-internal" not in request(written, "operators", "find an account without the token")


def test_the_environment_asks_for_what_nobody_else_knows_and_keeps_secrets_apart(written: Path) -> None:
    assert (written / "focus" / "environments" / "local.bru").read_text().splitlines() == [
        *("vars {", "  baseUrl: http://127.0.0.1:8080", "}", ""),
        *("vars:secret [", "  token", "]"),
    ]
    canonical = (written / "canonical" / "environments" / "local.bru").read_text()
    assert "  token,\n  ana_password,\n  bea_password,\n  bea_token,\n  cleo_token\n" in canonical


def test_what_is_made_up_is_made_up_by_the_first_call_alone(written: Path) -> None:
    made = [file.name for file in (written / "canonical").glob("*.bru") if "bru.setVar" in file.read_text()]
    assert made == ["001-sign-up.bru"]
    assert 'bru.setVar("fresh_email"' in request(written, "canonical", "sign up")


def test_requests_are_in_the_order_of_the_story_and_old_ones_are_gone(tmp_path: Path) -> None:
    old = tmp_path / "focus" / "099-old.bru"
    old.parent.mkdir()
    old.write_text("old")
    bruno.write_collection("focus", document("focus"), tmp_path)
    files = sorted(file.name for file in (tmp_path / "focus").glob("[0-9]*.bru"))
    assert [DIGITS.sub("", name)[1:-4] for name in files] == [call.key for call in read_calls("focus")]
    assert json.loads((tmp_path / "focus" / "bruno.json").read_text())["type"] == "collection"


def test_what_a_call_says_and_nothing_tells_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [Example("pause", "FocusService_PauseSession", path={"id": "${session}"}, body={})]
    monkeypatch.setattr(bruno, "read_calls", lambda _: told)
    with pytest.raises(LookupError, match="focus says session, which nothing tells"):
        bruno.write_collection("focus", document("focus"), tmp_path)
