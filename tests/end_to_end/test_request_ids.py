"""One request can be followed by its id: from the gateway through every process to the statistics."""

from __future__ import annotations

import json
import uuid
from typing import Any

from deploy.local.stack import LocalStack
from tests.end_to_end.conftest import SESSION_PROCESSES, Learner
from tests.waiting import eventually

SESSIONS = "/focus/api/v1/sessions"
ENDING = {"elapsed_seconds": 30, "status": "completed"}


def lines_of(stack: LocalStack, process: str, request_id: str) -> list[dict[str, Any]]:
    """Returns what a process logged for a request so far."""
    # Whichever of a service's processes it was.
    logs = [stack.layout.log(each) for each in (SESSION_PROCESSES if process == "session" else (process,))]
    text = "".join(log.read_text(errors="replace") for log in logs)
    return [json.loads(line) for line in text.splitlines() if f'"{request_id}"' in line and line[0] == "{"]


def line_of(stack: LocalStack, process: str, event: str, request_id: str) -> dict[str, Any]:
    """Waits for the line of an event."""
    return eventually(
        lambda: next((line for line in lines_of(stack, process, request_id) if line["event"] == event), None)
    )


def test_a_request_is_found_under_one_id_in_every_process_that_worked_for_it(
    stack: LocalStack, learner: Learner
) -> None:
    started = learner.ok("POST", SESSIONS, {"duration_seconds": 60}, status=201)["data"]
    request_id = f"follow-{uuid.uuid4()}"
    ended = learner.send("PATCH", f"{SESSIONS}/{started['id']}/end", ENDING, **{"X-Request-Id": request_id})
    assert (ended.status_code, ended.headers["x-request-id"]) == (200, request_id)

    served = line_of(stack, "session", "call", request_id)
    assert served["status"] == "OK"
    user_id, session_id = int(learner.account["user_id"]), int(started["id"])
    assert served["user_id"] == user_id
    assert served["milliseconds"] > 0

    applied = line_of(stack, "worker", "event_applied", request_id)
    assert (applied["user_id"], applied["session_id"], applied["new"]) == (user_id, session_id, True)
    closed = line_of(stack, "relay", "event_acknowledged", request_id)
    assert (closed["user_id"], closed["session_id"]) == (user_id, session_id)
    assert closed["event_id"] == applied["event_id"]


def test_a_service_that_asks_another_asks_on_behalf_of_the_same_request(
    stack: LocalStack, learner: Learner
) -> None:
    request_id = f"follow-{uuid.uuid4()}"
    told = learner.send("GET", "/yoga/api/v1/sessions/stats", **{"X-Request-Id": request_id})
    assert told.status_code == 200
    assert line_of(stack, "session", "call", request_id)["status"] == "OK"
    assert line_of(stack, "stats", "call", request_id)["method"].startswith("/practice.stats.v1.")
