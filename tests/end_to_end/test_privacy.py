"""A person with data in all five products takes it with them and is forgotten, and nobody else is."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import uuid
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import redis

from deploy.local.stack import LocalStack
from service_kit.broker import COMPLETIONS_QUEUE, COMPLETIONS_TASK, open_broker
from tests.canonical_errors import reason_of
from tests.end_to_end.command import practice
from tests.end_to_end.conftest import Learner, MakeLearner
from tests.personal_data import rows_of
from tests.waiting import eventually

PROBLEM = {"title": "Design a lift", "description": "For a tall house.", "difficulty": "easy"}
DOCUMENT = '{"b": 1.0, "a": []}'
CONFIRMED = {"confirm": True}


def practise(learner: Learner) -> None:
    """Leaves something in all five products, the calendar and the catalog, and waits until it is counted."""
    keyed = {"Idempotency-Key": str(uuid.uuid4())}
    learner.ok("PATCH", "/v1/calendar", {"time_zone": "Europe/Madrid"}, **keyed)
    drill = learner.ok("POST", "/exercises/session/start", {"session_type": "practice"})["session_id"]
    for text in ("hable", "habla"):
        learner.ok(
            "POST", "/exercises/submit", {"exercise_id": "123", "user_answer": text, "session_id": drill}
        )
    learner.ok("POST", "/exercises/session/end", {"session_id": drill})

    timer = learner.ok("POST", "/focus/api/v1/sessions", {"duration_seconds": 60}, status=201)["data"]["id"]
    ending = {"elapsed_seconds": 60, "status": "completed"}
    learner.ok("PATCH", f"/focus/api/v1/sessions/{timer}/end", ending)

    wanted = {"activity_id": 123, "settings": {"word_count": 5}}
    words = learner.ok("POST", "/portal/api/v1/sessions/start", wanted)
    portal = f"/portal/api/v1/sessions/{words['session_id']}"
    learner.ok("POST", f"{portal}/progress", {"item_id": "en-hello", "answer": "hola", "time_taken": 3.5})
    learner.ok("POST", f"{portal}/complete")
    learner.ok("GET", portal)
    learner.ok("GET", "/portal/api/v1/sessions/history")

    pose = learner.ok("POST", "/yoga/api/v1/sessions/start", {"sequence_id": 123}, status=201)["session_id"]
    done = {"session_id": pose, "duration_seconds": 900, "completion_status": "completed"}
    learner.ok("POST", "/yoga/api/v1/sessions/complete", done)
    learner.ok("PUT", f"/yoga/api/v1/sessions/{pose}/notes", {"notes": 'calm, and "tired"'})

    problem = learner.ok("POST", "/v1/problems", PROBLEM)["name"]
    design = learner.ok("POST", "/v1/sessions", {"product": "design", "content": problem})["session"]["name"]
    learner.ok("PUT", f"/v1/{design}/draft", {"content": DOCUMENT, "elapsed": "60s"})
    learner.ok("POST", f"/v1/{design}/messages", {"role": "user", "content": "Why?"})
    learner.ok("POST", f"/v1/{design}:submit", {})
    settle(learner)


def settle(learner: Learner) -> Any:
    """Returns the totals of all products once everything is in them."""
    newest = max(int(each["user_seq"]) for each in all_of(learner, "sessions"))
    eventually(lambda: not learner.ok("GET", f"/v1/standing?min_user_seq={newest}")["pending"])
    return learner.ok("GET", "/v1/standing")["totals"]


def all_of(learner: Learner, kind: str) -> list[Any]:
    return list(learner.ok("GET", f"/v1/{kind}?page_size=100")[kind])


def export(learner: Learner) -> zipfile.ZipFile:
    response = learner.send("GET", "/v1/me:export")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/zip"
    assert response.headers["content-disposition"] == 'attachment; filename="practice-data.zip"'
    archive = zipfile.ZipFile(io.BytesIO(response.content))
    assert archive.testzip() is None
    return archive


def entries(archive: zipfile.ZipFile, category: str) -> list[Any]:
    return list(json.loads(archive.read(f"{category}.json")))


def shown(learner: Learner) -> dict[str, Any]:
    """Everything that a person sees over REST."""
    paths = ("/v1/calendar", "/v1/standing", "/v1/progress", "/v1/badges", "/v1/problems?mine=true")
    return {
        **{path: learner.ok("GET", path) for path in paths},
        **{kind: all_of(learner, kind) for kind in ("sessions", "submissions")},
    }


def test_the_archive_holds_what_rest_shows(learner: Learner) -> None:
    practise(learner)
    sessions, totals = all_of(learner, "sessions"), settle(learner)

    archive = export(learner)

    manifest = json.loads(archive.read("manifest.json"))
    assert str(manifest["account_number"]) == learner.account["user_id"]
    for each in manifest["files"]:
        content = archive.read(each["name"])
        assert (each["bytes"], each["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
        if each["name"].endswith(".json"):
            assert each["rows"] == len(json.loads(content))
    (account,) = entries(archive, "identity/account")
    assert account["email"] == learner.email

    kept = entries(archive, "session/sessions")
    assert {f"sessions/{each['id']}" for each in kept} == {each["name"] for each in sessions}
    assert {each["product"] for each in kept} == {"exercises", "focus", "portal", "yoga", "design"}
    assert sum(each["answer_count"] for each in sessions) == len(entries(archive, "session/answers")) == 3
    assert [each["content"] for each in entries(archive, "session/drafts")] == [DOCUMENT]
    assert [each["document"] for each in entries(archive, "session/submissions")] == [DOCUMENT]
    assert [each["title"] for each in entries(archive, "catalog/problems")] == [PROBLEM["title"]]

    counted = [each for each in entries(archive, "stats/completion") if each["counts"]]
    assert len(counted) == int(totals["session_count"])
    assert sum(each["practised_seconds"] for each in counted) == int(totals["elapsed_seconds"])
    days = entries(archive, "stats/daily_progress")
    assert sum(day["elapsed_seconds"] for day in days) == int(totals["elapsed_seconds"])
    badges = learner.ok("GET", "/v1/badges")["badges"]
    assert len(entries(archive, "stats/awarded_badge")) == len(badges)


def test_a_wrong_password_erases_nothing(learner: Learner) -> None:
    practise(learner)
    before = shown(learner)

    refused = learner.send("POST", "/v1/me:erase", {"password": "wrong", **CONFIRMED})
    unconfirmed = learner.send("POST", "/v1/me:erase", {"password": learner.password})

    assert (refused.status_code, unconfirmed.status_code) == (401, 400)
    assert reason_of(refused) == "CREDENTIALS_INVALID"
    assert shown(learner) == before
    learner.log_in()


def test_an_erased_person_is_gone_for_good_and_others_are_not(
    stack: LocalStack, make_learner: MakeLearner
) -> None:
    learner, other = make_learner(), make_learner("Bea")
    practise(learner)
    practise(other)
    user_id, theirs = int(learner.account["user_id"]), shown(other)
    with psycopg.connect(stack.database_url) as database:
        payloads = [
            bytes(row[0])
            for row in database.execute(
                "SELECT payload FROM session.outbox WHERE user_id = %s AND kind = 'session_ended'", [user_id]
            )
        ]
    assert len(payloads) == 5
    with redis.Redis.from_url(stack.redis_url) as memory:
        mine = (f"cache:*:history:{user_id}:*", f"cache:*:details:{user_id}:*", f"limit:*:{user_id}")
        found = [list(memory.scan_iter(f"practice:session:{each}")) for each in mine]
        assert all(found)

    receipt = learner.ok("POST", "/v1/me:erase", {"password": learner.password, **CONFIRMED})

    assert receipt["complete"], receipt
    parts = {
        part["service"]: {each["category"]: int(each["count"]) for each in part["removed"]}
        for part in receipt["services"]
    }
    assert parts["identity"]["account"] == parts["catalog"]["problems"] == 1
    assert (parts["session"]["sessions"], parts["session"]["answers"]) == (5, 3)
    assert (parts["session"]["drafts"], parts["session"]["submissions"]) == (1, 1)
    assert parts["stats"]["completion"] == 5
    (boards,) = next(part["corrected"] for part in receipt["services"] if part["service"] == "stats")
    assert boards["what"] == "leaderboards"
    assert int(boards["count"]) > 0
    assert receipt["sha256"] == hashlib.sha256(receipt["document"].encode()).hexdigest()
    assert learner.email not in json.dumps(receipt)

    assert rows_of(stack.database_url, user_id) == {}
    with redis.Redis.from_url(stack.redis_url) as memory:
        assert [name for names in found for name in names if memory.exists(name)] == []
    credentials = {"email": learner.email, "password": learner.password}
    assert learner.send("POST", "/v1/accounts:logIn", credentials).status_code == 401
    refresh = {"refresh_token": learner.tokens["refresh_token"]}
    assert learner.send("POST", "/v1/accounts:refresh", refresh).status_code == 401
    assert learner.send("GET", "/v1/me:export").status_code == 401
    assert learner.ok("POST", "/v1/me:erase", {"password": "forgotten", **CONFIRMED}) == receipt

    old_token_writes_nothing(learner)
    old_events_change_nothing(stack, payloads)
    assert rows_of(stack.database_url, user_id) == {}
    assert shown(other) == theirs


def old_token_writes_nothing(learner: Learner) -> None:
    """Tries to begin in every product; each refuses, in its own shape once it heard that the token ended."""
    key = {"Idempotency-Key": str(uuid.uuid4()), "X-Time-Zone": "Asia/Tokyo"}
    tried = {
        "/v1/sessions": {"product": "yoga", "content": "sequences/123"},
        "/exercises/session/start": {"session_type": "practice"},
        "/focus/api/v1/sessions": {"duration_seconds": 60},
        "/portal/api/v1/sessions/start": {"activity_id": 123, "settings": {"word_count": 5}},
        "/yoga/api/v1/sessions/start": {"sequence_id": 123},
        "/v1/problems": PROBLEM,
    }
    bodies = {}
    for path, body in tried.items():
        for headers in ({}, key):
            refused = learner.send("POST", path, body, **headers)
            assert refused.status_code in (401, 403), f"{path}: {refused.status_code} {refused.text}"
        bodies[path] = eventually(partial(unauthenticated, learner, path, body))
    assert bodies["/v1/sessions"]["error"]["details"][0]["reason"] == "TOKEN_INVALID"
    assert set(bodies["/exercises/session/start"]) == {"detail"}
    assert bodies["/focus/api/v1/sessions"]["success"] is False
    assert set(bodies["/portal/api/v1/sessions/start"]) >= {"error", "message"}
    for path in ("/v1/sessions", "/v1/standing", "/v1/badges", "/v1/accounts/me", "/v1/exercises"):
        assert eventually(partial(unauthenticated, learner, path))
    assert learner.send("PATCH", "/v1/calendar", {"rollover_hour": 4}).status_code == 401


def unauthenticated(learner: Learner, path: str, body: object = None) -> Any:
    """Returns the refusal of a token that ended, nothing while another answer is given."""
    answer = learner.send("POST" if body is not None else "GET", path, body)
    return answer.json() if answer.status_code == 401 else None


def old_events_change_nothing(stack: LocalStack, payloads: list[bytes]) -> None:
    """Delivers events again, as a queue may, and waits until they are settled."""
    settled = "SELECT count(*) FROM stats.rejected_event WHERE reason = 'erased'"
    with psycopg.connect(stack.database_url, autocommit=True) as database:
        before = database.execute(settled).fetchone()
        broker = open_broker(stack.redis_url, "test")
        encoded = [base64.b64encode(payload).decode() for payload in payloads]
        broker.send_task(COMPLETIONS_TASK, args=[encoded], queue=COMPLETIONS_QUEUE)
        broker.close()
        assert before is not None
        eventually(lambda: database.execute(settled).fetchone() == (before[0] + len(payloads),))
        kept = database.execute("SELECT payload FROM stats.rejected_event WHERE reason = 'erased'").fetchall()
        assert {bytes(row[0]) for row in kept} == {b""}


def test_an_operator_exports_and_erases_from_the_command_line(
    stack: LocalStack, make_learner: MakeLearner, tmp_path: Path
) -> None:
    learner = make_learner()
    learner.ok("POST", "/v1/sessions:recordStandaloneAnswer", ANSWERED)
    user_id, file = learner.account["user_id"], tmp_path / "ana.zip"

    wrote = practice(stack, "export", user_id, "--to", str(file))
    assert (wrote.returncode, wrote.stdout) == (0, f"wrote {file}\n"), wrote.stderr
    with zipfile.ZipFile(file) as archive:
        assert len(entries(archive, "session/answers")) == 1
    assert practice(stack, "export", user_id, "--to", str(file)).returncode == 1

    thought_better = practice(stack, "erase", user_id, given="n\n")
    assert thought_better.returncode == 1
    assert learner.log_in()
    erased = practice(stack, "erase", user_id, given="y\n")
    assert erased.returncode == 0, erased.stderr
    assert "complete, sha256 " in erased.stdout
    assert rows_of(stack.database_url, int(user_id)) == {}
    (receipt_id,) = [line.split()[1] for line in erased.stdout.splitlines() if line.startswith("receipt ")]

    again = practice(stack, "receipt", receipt_id)
    assert again.stdout in erased.stdout
    assert practice(stack, "erase", user_id, "--yes").stdout == again.stdout
    unknown = practice(stack, "export", "999999999", "--to", str(tmp_path / "nobody.zip"))
    assert unknown.returncode == 1
    assert unknown.stderr == "error: there is no account 999999999\n"
    assert not list(tmp_path.glob("nobody*"))


ANSWERED = {"product": "exercises", "answer": {"item": "exercises/123", "text": "hable"}}
