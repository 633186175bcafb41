"""The canonical API over REST, as a client of no product uses it: every path it has, with its own meaning."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests import described
from tests.end_to_end.documented import assert_like
from tests.stack import Learner

PROBLEM = {"title": "Design a lift", "description": "For a tall house.", "difficulty": "easy"}
DOCUMENT = '{"b": 1.0, "a": []}'


def start(learner: Learner, product: str, **fields: Any) -> str:
    """Starts a session and returns its name."""
    started = learner.ok("POST", "/v1/sessions", {"product": product, **fields})
    return str(started["session"]["name"])


def test_an_account_is_looked_at_refreshed_and_left(learner: Learner, anyone: httpx.Client) -> None:
    assert learner.ok("GET", "/v1/accounts/me") == learner.account
    token = {"refresh_token": learner.tokens["refresh_token"]}
    refreshed = learner.ok("POST", "/v1/accounts:refresh", token)
    bearer = {"Authorization": f"Bearer {refreshed['access_token']}"}
    assert anyone.get("/v1/accounts/me", headers=bearer).json() == learner.account
    learner.ok("POST", "/v1/accounts:logOut", token)
    assert anyone.post("/v1/accounts:refresh", json=token).status_code == 401


def test_a_new_password_takes_the_place_of_the_old(learner: Learner, anyone: httpx.Client) -> None:
    old, new = learner.password, uuid.uuid4().hex
    change = {"current_password": old, "new_password": new}
    learner.ok("POST", "/v1/accounts/me:changePassword", change)
    for password, status in ((old, 401), (new, 200)):
        answer = anyone.post("/v1/accounts:logIn", json={"email": learner.email, "password": password})
        assert answer.status_code == status


def test_the_keys_that_verify_tokens_are_published(anyone: httpx.Client) -> None:
    (key,) = anyone.get("/.well-known/jwks.json").json()["keys"]
    assert_like(key, {"kty": "OKP", "crv": "Ed25519", "kid": key["kid"], "x": key["x"]}, values=True)
    assert "d" not in key


@pytest.mark.parametrize("kind", ["exercises", "activities", "sequences"])
def test_what_there_is_to_practise_is_listed_in_pages_and_read_by_name(learner: Learner, kind: str) -> None:
    first = learner.ok("GET", f"/v1/{kind}?page_size=1")
    token = first["next_page_token"]
    second = learner.ok("GET", f"/v1/{kind}?page_size=1&page_token={token}") if token else {kind: []}
    names = [each["name"] for each in first[kind] + second[kind]]
    assert names == sorted(set(names), key=lambda name: int(name.partition("/")[2]))
    assert learner.ok("GET", f"/v1/{first[kind][0]['name']}") == first[kind][0]
    assert learner.ok("GET", f"/v1/{kind}/123")["name"] == f"{kind}/123"


def test_a_problem_is_made_read_by_anybody_changed_and_deleted(
    learner: Learner, anyone: httpx.Client
) -> None:
    made = learner.ok("POST", "/v1/problems", PROBLEM)
    assert_like(made, PROBLEM, values=True)
    path = f"/v1/{made['name']}"
    as_told = {**made, "owner_id": "0", "owner_email": ""}
    assert anyone.get(path).json() == as_told
    assert made in learner.ok("GET", "/v1/problems?mine=true")["problems"]
    found = anyone.get("/v1/problems", params={"query": "LIFT tall"}).json()
    assert as_told in found["problems"]
    changed = learner.ok("PATCH", f"{path}?update_mask=title", {"title": "Design two lifts"})
    assert (changed["title"], changed["description"]) == ("Design two lifts", PROBLEM["description"])
    learner.ok("DELETE", path)
    assert anyone.get(path).status_code == 404


def test_a_session_over_words_is_answered_reported_and_counted(learner: Learner) -> None:
    selection = {"difficulty": "medium", "count": 3}
    name = start(learner, "portal", content="activities/123", selection=selection)
    items = learner.ok("GET", f"/v1/{name}/items")["items"]
    assert len(items) == 3
    answers = [
        {"answer_id": str(uuid.uuid4()), "item": item["item"], "text": "?", "time_taken": "2.500s"}
        for item in items
    ]
    submitted = learner.ok("POST", f"/v1/{name}:submitAnswers", {"answers": answers})
    shown = [result["correct_answer"] for result in submitted["results"]]
    again = [
        {**answer, "answer_id": str(uuid.uuid4()), "text": text}
        for answer, text in zip(answers, shown, strict=True)
    ]
    submitted = learner.ok("POST", f"/v1/{name}:submitAnswers", {"answers": again})
    assert [result["correct"] for result in submitted["results"]] == [True] * 3
    noted = learner.ok("PUT", f"/v1/{name}/note", {"note": "verbs tomorrow"})
    assert noted["note"] == "verbs tomorrow"
    completed = learner.ok("POST", f"/v1/{name}:complete", {})
    assert_like(completed, {"state": "STATE_COMPLETED", "answer_count": 6}, values=True)

    report = learner.ok("GET", f"/v1/{name}/report")
    assert report["session"]["name"] == name
    assert (report["average_time_taken"], report["mastered_item_count"]) == ("2.500s", 0)
    counted = f"product=portal&min_user_seq={completed['user_seq']}"
    totals = learner.ok("GET", f"/v1/standing?{counted}")["totals"]
    assert_like(totals, {"session_count": 1, "answer_count": 6, "correct_answer_count": 3}, values=True)
    (day,) = learner.ok("GET", f"/v1/progress?{counted}")["days"]
    assert day["session_count"] == 1
    badges = learner.ok("GET", f"/v1/badges?min_user_seq={completed['user_seq']}")["badges"]
    assert {badge["session_id"] for badge in badges} == {name.partition("/")[2]}


def test_a_session_is_found_paused_resumed_and_given_up(learner: Learner) -> None:
    name = start(learner, "focus", planned_duration="1500s")
    assert learner.ok("GET", "/v1/sessions:active?product=focus")["session"]["name"] == name
    paused = learner.ok("POST", f"/v1/{name}:pause", {"elapsed": "30s"})
    assert (paused["state"], paused["elapsed"]) == ("STATE_PAUSED", "30s")
    assert learner.ok("POST", f"/v1/{name}:resume", {})["state"] == "STATE_ACTIVE"
    given_up = learner.ok("POST", f"/v1/{name}:abandon", {"elapsed": "40s"})
    assert (given_up["state"], given_up["elapsed"]) == ("STATE_ABANDONED", "40s")
    assert learner.ok("GET", f"/v1/{name}") == given_up
    assert learner.ok("GET", "/v1/sessions?states=STATE_ABANDONED")["sessions"] == [given_up]


def test_one_answer_alone_is_a_session(learner: Learner) -> None:
    answer = {"item": "exercises/123", "text": "hable"}
    body = {"product": "exercises", "answer": answer}
    recorded = learner.ok("POST", "/v1/sessions:recordStandaloneAnswer", body)
    assert recorded["results"][0]["correct"] is True
    assert recorded["session"]["state"] == "STATE_COMPLETED"


def test_a_watcher_sees_the_session_change_as_lines(learner: Learner) -> None:
    name = start(learner, "focus", planned_duration="600s")
    kinds = []
    with learner.client.stream("GET", f"/v1/{name}:watch") as stream:
        lines = stream.iter_lines()
        kinds.append(json.loads(next(lines))["kind"])
        learner.ok("POST", f"/v1/{name}:pause", {"elapsed": "5s"})
        kinds.append(json.loads(next(lines))["kind"])
        learner.ok("POST", f"/v1/{name}:complete", {"elapsed": "6s"})
        kinds.extend(json.loads(line)["kind"] for line in lines)
    assert kinds == ["KIND_SNAPSHOT", "KIND_PAUSED", "KIND_ENDED"]


def watch(learner: Learner, path: str, last: str = "") -> Any:
    """Streams events, as a client that comes back with the id of its last."""
    headers = {"accept": described.EVENTS, **({"last-event-id": last} if last else {})}
    return learner.client.stream("GET", path, headers=headers)


def events_of(stream: httpx.Response) -> Iterator[described.Event]:
    text = ""
    for piece in stream.iter_text():
        text += piece
        whole, _, text = text.rpartition("\n\n")
        yield from described.read_events(f"{whole}\n\n")


def test_a_watcher_that_comes_back_sees_every_change_as_an_event_once(learner: Learner) -> None:
    name = start(learner, "focus", planned_duration="600s")
    with watch(learner, f"/v1/{name}:watch") as stream:
        assert stream.headers["content-type"] == described.EVENTS
        seen = [next(events_of(stream))]
    learner.ok("POST", f"/v1/{name}:pause", {"elapsed": "5s"})
    learner.ok("POST", f"/v1/{name}:resume", {})
    with watch(learner, f"/v1/{name}:watch", seen[-1].id) as stream:
        events = events_of(stream)
        seen += [next(events), next(events)]
    learner.ok("POST", f"/v1/{name}:complete", {"elapsed": "6s"})
    with watch(learner, f"/v1/{name}:watch", seen[-1].id) as stream:
        seen += events_of(stream)
    assert [each.name for each in seen] == ["snapshot", "paused", "resumed", "ended", "end"]
    assert [each.id for each in seen] == ["1", "2", "3", "4", ""]
    assert json.loads(seen[-1].data)["reason"] == "SESSION_ENDED"


def test_a_watcher_of_statistics_is_told_what_a_session_led_to(learner: Learner) -> None:
    with watch(learner, "/v1/me:watch") as stream:
        events = events_of(stream)
        snapshot = next(events)
        name = start(learner, "focus", planned_duration="600s")
        learner.ok("POST", f"/v1/{name}:complete", {"elapsed": "600s"})
        # Before it the learner's zone may have been an event, which changes nothing.
        changed = next(each for each in events if json.loads(each.data)["products"])
    assert (snapshot.name, changed.name) == ("snapshot", "changed")
    told = json.loads(changed.data)
    assert changed.id == told["cursor"]
    products = {each["totals"]["product"]: each for each in told["products"]}
    assert set(products) == {"all", "focus"}
    assert {each["streak"]["current_days"] for each in products.values()} == {1}
    standing = learner.ok("GET", f"/v1/standing?product=focus&min_user_seq={changed.id}")
    assert products["focus"] == {name: standing[name] for name in ("totals", "streak")}
    badges = learner.ok("GET", "/v1/badges")["badges"]
    assert badges == told["badges"]
    with watch(learner, "/v1/me:watch", "0") as stream:
        assert next(events_of(stream)).id == changed.id


def test_a_draft_and_a_conversation_become_a_submission(learner: Learner) -> None:
    (problem,) = learner.ok("GET", "/v1/problems?page_size=1")["problems"]
    name = start(learner, "design", content=problem["name"])
    saved = learner.ok("PUT", f"/v1/{name}/draft", {"content": DOCUMENT, "elapsed": "60s"})
    draft = learner.ok("GET", f"/v1/{name}/draft")
    assert draft == {"content": DOCUMENT, "content_hash": saved["draft_hash"]}
    line = {"role": "user", "content": "Why?"}
    learner.ok("POST", f"/v1/{name}/messages", line)
    (message,) = learner.ok("GET", f"/v1/{name}/messages")["messages"]
    assert_like(message, line, values=True)

    submission = learner.ok("POST", f"/v1/{name}:submit", {})
    shown = {"content": problem["name"], "session": name, "document": DOCUMENT, "elapsed": "60s"}
    assert_like(submission, {**shown, "status": "completed", "messages": [line]}, values=True)
    assert learner.ok("GET", f"/v1/{submission['name']}") == submission


def test_a_submission_made_by_hand_is_changed_discussed_and_deleted(learner: Learner) -> None:
    (problem,) = learner.ok("GET", "/v1/problems?page_size=1")["problems"]
    work = {"content": problem["name"], "document": DOCUMENT, "status": "in-progress"}
    made = learner.ok("POST", "/v1/submissions", work)
    assert_like(made, {**work, "session": ""}, values=True)
    path = f"/v1/{made['name']}"
    changed = learner.ok("PATCH", f"{path}?update_mask=score,status", {"score": 90, "status": "completed"})
    assert_like(changed, {"score": 90, "status": "completed", "document": DOCUMENT}, values=True)
    line = {"role": "assistant", "content": "Good."}
    discussed = learner.ok("POST", f"{path}/messages", line)
    assert_like(discussed["messages"], [line], values=True)
    listed = learner.ok("GET", f"/v1/submissions?content={problem['name']}")
    assert [each["name"] for each in listed["submissions"]] == [made["name"]]
    learner.ok("DELETE", path)
    assert learner.send("GET", path).status_code == 404
