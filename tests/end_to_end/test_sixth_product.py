"""A product that is added while the platform runs, by a row alone, has all that the others have."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from deploy.local.stack import LocalStack
from tests.canonical_errors import error_of, reason_of
from tests.end_to_end.command import practice
from tests.end_to_end.documented import assert_like
from tests.offline import offline_answer, offline_session
from tests.stack import Learner, open_client
from tests.waiting import eventually

ROW = {
    "open_sessions": "OPEN_SESSIONS_ONE_PER_USER",
    "second_start": "SECOND_START_RESUME",
    "modes": ["blitz", "classic"],
    "items": "exercises",
    "elapsed": "ELAPSED_REPORTED",
    "min_elapsed_seconds": 5,
    "max_elapsed_seconds": 3600,
    "pause_again": "PAUSE_AGAIN_RECORDS_ELAPSED",
    "outcomes": ["completed", "partial", "abandoned"],
    "counted": ["completed", "partial"],
}


@dataclass
class Operator:
    """Somebody at the operators' listener."""

    client: httpx.Client

    def send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return self.client.request(method, f"/admin/v1/{path}", json=body)

    def ok(self, method: str, path: str, body: Any = None) -> Any:
        response = self.send(method, path, body)
        assert response.status_code == 200, f"{method} {path}: {response.status_code} {response.text}"
        return response.json()

    def load(self, *rows: dict[str, Any], **more: Any) -> Any:
        return self.ok("POST", "products:load", {"products": rows, **more})


@pytest.fixture
def operator(stack: LocalStack) -> Iterator[Operator]:
    token = (stack.layout.secrets / "internal_token").read_text().strip()
    url = f"http://127.0.0.1:{stack.settings.ports.gateway_operators}"
    with open_client(url, **{"x-practice-internal": token}) as client:
        yield Operator(client)


@pytest.fixture
def chess(operator: Operator) -> str:
    """The name of a product that was added a moment ago."""
    name = f"chess_{uuid.uuid4().hex[:8]}"
    assert operator.load({"product": name, **ROW})["created_count"] == 1
    return name


def refusal(response: httpx.Response) -> tuple[int, str]:
    """Returns the status and reason of a canonical error."""
    return response.status_code, reason_of(response)


def start(learner: Learner, product: str, **fields: Any) -> Any:
    return learner.ok("POST", "/v1/sessions", {"product": product, **fields})


def complete(learner: Learner, product: str, seconds: int = 600) -> Any:
    name = start(learner, product)["session"]["name"]
    return learner.ok("POST", f"/v1/{name}:complete", {"elapsed": f"{seconds}s"})


def counted(learner: Learner, path: str, seq: int | str) -> Any:
    """Returns an answer once it includes an event."""
    joint = "&" if "?" in path else "?"

    def read() -> Any:
        shown = learner.ok("GET", f"{path}{joint}min_user_seq={seq}")
        return None if shown.get("pending") else shown

    return eventually(read)


def test_a_row_is_tried_published_once_and_listed(operator: Operator, learner: Learner) -> None:
    name = f"chess_{uuid.uuid4().hex[:8]}"
    row = {"product": name, **ROW}
    assert refusal(learner.send("POST", "/v1/sessions", {"product": name})) == (400, "PRODUCT_UNKNOWN")
    assert operator.load(row, validate_only=True)["created_count"] == 1
    assert refusal(operator.send("GET", f"products/{name}")) == (404, "PRODUCT_NOT_FOUND")
    once = {"request_id": uuid.uuid4().hex}
    assert operator.load(row, **once) == operator.load(row, **once)
    assert operator.load(row)["unchanged_count"] == 1
    version = operator.ok("GET", f"products/{name}")
    assert_like(version["row"], row, values=True)
    assert (version["version"], version["row"]["counts_unanswered"]) == (1, True)
    assert operator.ok("GET", f"products?product={name}")["versions"] == [version]
    first = operator.ok("GET", "products?newest_only=true&page_size=5")
    second = operator.ok("GET", f"products?newest_only=true&page_token={first['next_page_token']}")
    names = [each["row"]["product"] for each in first["versions"] + second["versions"]]
    assert (names, {"focus", name} <= set(names)) == (sorted(set(names)), True)


def test_its_sessions_do_what_its_row_says(chess: str, learner: Learner) -> None:
    started = start(learner, chess)
    name = started["session"]["name"]
    assert (started["session"]["mode"], started["session"]["product"]) == ("blitz", chess)
    resumed = start(learner, chess, mode="classic")
    assert (resumed["session"]["name"], resumed["resumed"]) == (name, True)
    reject = {"product": chess, "on_conflict": "ON_CONFLICT_REJECT"}
    assert refusal(learner.send("POST", "/v1/sessions", reject)) == (409, "SESSION_ALREADY_OPEN")
    unknown = {"product": chess, "mode": "bullet"}
    assert refusal(learner.send("POST", "/v1/sessions", unknown)) == (400, "MODE_UNKNOWN")
    unwanted = {"product": chess, "content": "activities/123"}
    assert refusal(learner.send("POST", "/v1/sessions", unwanted)) == (400, "CONTENT_MISMATCH")

    answer = {"answer_id": str(uuid.uuid4()), "item": "exercises/123", "text": "hable"}
    answered = learner.ok("POST", f"/v1/{name}:submitAnswers", {"answers": [answer]})
    assert [each["correct"] for each in answered["results"]] == [True]
    for seconds in (20, 30):
        paused = learner.ok("POST", f"/v1/{name}:pause", {"elapsed": f"{seconds}s"})
        assert (paused["state"], paused["elapsed"]) == ("STATE_PAUSED", f"{seconds}s")
    assert learner.ok("POST", f"/v1/{name}:resume", {})["state"] == "STATE_ACTIVE"
    for seconds in (4, 3601):
        long = learner.send("POST", f"/v1/{name}:complete", {"elapsed": f"{seconds}s"})
        assert refusal(long) == (400, "DURATION_OUT_OF_RANGE")
    end = {"outcome": "OUTCOME_PARTIAL", "elapsed": "60s"}
    ended = learner.ok("POST", f"/v1/{name}:complete", end)
    assert (ended["state"], ended["elapsed"]) == ("STATE_PARTIAL", "60s")
    totals = counted(learner, f"/v1/standing?product={chess}", ended["user_seq"])["totals"]
    assert (totals["session_count"], totals["correct_answer_count"]) == (1, 1)

    given_up = learner.ok("POST", f"/v1/{start(learner, chess)['session']['name']}:abandon", {})
    alone = {"product": chess, "answer": {"item": "exercises/123", "text": "no"}}
    lone = learner.ok("POST", "/v1/sessions:recordStandaloneAnswer", alone)
    assert lone["session"]["state"] == "STATE_COMPLETED"
    listed = learner.ok("GET", f"/v1/sessions?product={chess}")["sessions"]
    assert [each["name"] for each in listed] == [lone["session"]["name"], given_up["name"], name]
    totals = counted(learner, f"/v1/standing?product={chess}", lone["session"]["user_seq"])["totals"]
    assert (totals["session_count"], totals["answer_count"]) == (2, 2)


def test_statistics_know_it_from_its_first_session(chess: str, operator: Operator, learner: Learner) -> None:
    badge_id = f"{chess.replace('_', '-')}-first"
    badge = {
        "badge_id": badge_id,
        "name": "First move",
        "description": "Play once.",
        "icon": "♟️",
        "product": chess,
        "condition": f"{chess}.sessions >= 1",
    }
    assert operator.ok("POST", "badges:load", {"badge_definitions": [badge]})["created_count"] == 1
    assert learner.ok("POST", "/v1/freezes:buy", {"product": chess})["held"] == 1
    ended = complete(learner, chess)
    seq, day = ended["user_seq"], ended["local_date"]

    streaks = counted(learner, "/v1/streaks", seq)["streaks"]
    assert [each["day"]["current"] for each in streaks if each["product"] == chess] == [1]
    freezes = learner.ok("GET", f"/v1/freezes?product={chess}")
    assert (freezes["held"], [each["kind"] for each in freezes["changes"]]) == (1, ["KIND_BOUGHT"])
    (progress,) = counted(learner, f"/v1/progress?product={chess}", seq)["days"]
    assert (progress["date"], progress["session_count"]) == (day, 1)
    (awarded,) = counted(learner, f"/v1/badges?product={chess}", seq)["badges"]
    assert awarded["badge"]["badge_id"] == badge_id
    own = counted(learner, f"/v1/leaderboards/{chess}/day/{day}", seq)["own_entry"]
    assert (own["rank"], own["session_count"]) == (1, 1)
    heatmap = counted(learner, f"/v1/heatmap?year={day[:4]}&product={chess}", seq)
    assert [each["date"] for each in heatmap["days"] if each["session_count"]] == [day]
    week = counted(learner, f"/v1/summaries?period=week&product={chess}&to_date={day}", seq)["summaries"][-1]
    assert [each["product"] for each in week["products"]] == [chess]
    assert counted(learner, f"/v1/bestHours?product={chess}", seq)["best_hours"]

    assert chess in learner.ok("GET", f"/v1/streaks:explain?product={chess}")["paragraph"]
    assert chess in learner.ok("GET", f"/v1/totals:explain?product={chess}")["paragraph"]
    assert learner.ok("GET", f"/v1/badges/{badge_id}:explain")["earned"]
    broke = learner.ok("GET", f"/v1/streaks:explainBreak?product={chess}&date={day}")
    assert broke["verdict"] != "VERDICT_BROKE"


def test_it_is_synced_exported_and_recalculated(
    stack: LocalStack, chess: str, operator: Operator, learner: Learner
) -> None:
    ended = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)
    offline = offline_session(ended, chess, elapsed_seconds=300, answers=[offline_answer(ended)])
    synced = learner.ok("POST", "/v1/sessions:sync", {"items": [offline]})
    assert [each["outcome"] for each in synced["results"]] == ["OUTCOME_MERGED"]
    last = complete(learner, chess)
    counted(learner, f"/v1/standing?product={chess}", last["user_seq"])

    user = learner.account["user_id"]
    archive = operator.client.get(f"/admin/v1/users/{user}:export")
    with zipfile.ZipFile(io.BytesIO(archive.content)) as files:
        sessions = json.loads(files.read("session/sessions.json"))
    assert [each["product"] for each in sessions] == [chess, chess]

    job = operator.ok("POST", "recalculations", {"user_ids": [user], "product": chess, "shadow": True})
    path = f"recalculations/{job['job_id']}"
    done = eventually(lambda: (now := operator.ok("GET", path)).get("finish_time") and now)
    assert (done["learner_count"], done["wrong_learner_count"]) == ("1", "0")
    asked = {"scope": "RECONCILIATION_SCOPE_USERS", "user_ids": [user], "settle": "0s"}
    run = operator.ok("POST", "reconciliations", asked)["run_id"]
    path = f"reconciliations/{run}"
    compared = eventually(lambda: (now := operator.ok("GET", path)).get("finish_time") and now)
    assert (compared["compared_count"], compared["different_count"]) == ("1", "0")
    explained = practice(stack, "explain", user, "--product", chess)
    assert (explained.returncode, chess in explained.stdout) == (0, True), explained.stderr


def test_a_new_row_is_in_force_at_once_and_stored_sessions_keep_theirs(
    chess: str, operator: Operator, learner: Learner
) -> None:
    row = {"product": chess, **ROW}
    name = start(learner, chess)["session"]["name"]
    longer = {**row, "modes": ["rapid", "blitz"], "max_elapsed_seconds": 7200}
    assert operator.load(longer)["updated_count"] == 1
    kept = learner.send("POST", f"/v1/{name}:complete", {"elapsed": "7000s"})
    assert refusal(kept) == (400, "DURATION_OUT_OF_RANGE")
    learner.ok("POST", f"/v1/{name}:complete", {"elapsed": "60s", "outcome": "OUTCOME_PARTIAL"})
    fresh = start(learner, chess)["session"]
    assert fresh["mode"] == "rapid"
    learner.ok("POST", f"/v1/{fresh['name']}:pause", {"elapsed": "7000s"})

    for change, field in (
        ({"outcomes": ["completed", "abandoned"], "counted": ["completed"]}, "outcomes"),
        ({"modes": ["blitz"]}, "modes"),
        ({"max_elapsed_seconds": 3600}, "max_elapsed_seconds"),
        ({"content": "activities", "content_required": True}, "content_required"),
    ):
        refused = operator.send("POST", "products:load", {"products": [{**longer, **change}]})
        assert refusal(refused) == (400, "PRODUCT_IN_USE"), field
        assert error_of(refused)["details"][0]["metadata"] == {"product": chess, "field": field}
    assert operator.ok("GET", f"products/{chess}")["version"] == 2
    learner.ok("POST", f"/v1/{fresh['name']}:complete", {"elapsed": "7000s"})
    assert operator.load({**longer, "modes": ["blitz"]})["updated_count"] == 1


def test_what_is_no_policy_is_refused_with_its_fields(operator: Operator) -> None:
    for change, field in (
        ({"product": "total"}, "products[0].product"),
        ({"second_start": "SECOND_START_RESUME"}, "products[0].second_start"),
        ({"content": "openings"}, "products[0].content"),
        ({"min_planned_seconds": 60}, "products[0].max_planned_seconds"),
        ({"outcomes": ["completed"]}, "products[0].outcomes"),
    ):
        refused = operator.send("POST", "products:load", {"products": [{"product": "draughts", **change}]})
        assert refusal(refused) == (400, "FIELD_INVALID")
        assert error_of(refused)["details"][0]["metadata"]["field"] == field
    assert refusal(operator.send("GET", "products/draughts")) == (404, "PRODUCT_NOT_FOUND")


def test_a_retired_product_is_ended_and_not_started(chess: str, operator: Operator, learner: Learner) -> None:
    name = start(learner, chess)["session"]["name"]
    once = {"request_id": uuid.uuid4().hex}
    retired = operator.ok("POST", f"products/{chess}:retire", once)
    assert (retired["version"], bool(retired["retire_time"])) == (2, True)
    assert operator.ok("POST", f"products/{chess}:retire", once) == retired
    assert operator.ok("POST", f"products/{chess}:retire", {}) == retired
    assert operator.load({"product": chess, **ROW})["unchanged_count"] == 1
    assert refusal(learner.send("POST", "/v1/sessions", {"product": chess})) == (400, "PRODUCT_RETIRED")
    assert learner.ok("GET", f"/v1/sessions:active?product={chess}")["session"]["name"] == name
    ended = learner.ok("POST", f"/v1/{name}:complete", {"elapsed": "60s"})
    totals = counted(learner, f"/v1/standing?product={chess}", ended["user_seq"])["totals"]
    assert totals["session_count"] == 1

    restored = operator.ok("POST", f"products/{chess}:restore", {})
    assert (restored["version"], restored.get("retire_time")) == (3, None)
    assert start(learner, chess)["session"]["state"] == "STATE_ACTIVE"
    assert refusal(operator.send("POST", "products/draughts:retire", {})) == (404, "PRODUCT_NOT_FOUND")
