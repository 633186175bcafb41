"""A log-out everywhere, through the gateway: every service refuses the token, and what listens is let go."""

from __future__ import annotations

import json
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx
import pytest

from tests import described
from tests.stack import Learner
from tests.waiting import PATIENCE_SECONDS, eventually

# One of each service and product.
READS = (
    "/v1/accounts/me",
    "/v1/sessions",
    "/v1/standing",
    "/v1/exercises",
    "/focus/api/v1/sessions",
    "/portal/api/v1/sessions/history",
    "/yoga/api/v1/sessions/stats",
    "/design/sessions/user/my-sessions",
)


@pytest.mark.parametrize("path", ["/v1/accounts:logOut", "/design/users/logout"])
def test_a_log_out_everywhere_ends_the_token_in_every_service_and_lets_watchers_go(
    learner: Learner, path: str
) -> None:
    session = learner.ok("POST", "/v1/sessions", {"product": "exercises"})["session"]["name"]
    statuses = {read: learner.send("GET", read).status_code for read in READS}
    assert set(statuses.values()) == {200}, statuses
    watching, over = threading.Event(), threading.Event()
    watcher = threading.Thread(target=watch, args=(learner, session, watching, over), daemon=True)
    watcher.start()
    assert watching.wait(60)
    told = [listen(learner, each) for each in (f"/v1/{session}:watch", "/v1/me:watch")]

    learner.ok("POST", path, {})

    assert learner.send("GET", "/v1/accounts/me").status_code == 401
    for read in READS:
        eventually(partial(refused, learner, read))
    assert over.wait(60)
    watcher.join(60)
    for each in told:
        last = each.result(PATIENCE_SECONDS)[-1]
        assert (last.name, json.loads(last.data)["reason"]) == ("end", "TOKEN_INVALID")
    again = learner.ok("POST", "/v1/accounts:logIn", {"email": learner.email, "password": learner.password})
    headers = {"Authorization": f"Bearer {again['access_token']}"}
    answered = {read: learner.send("GET", read, None, **headers).status_code for read in READS}
    assert set(answered.values()) == {200}, answered


def watch(learner: Learner, session: str, watching: threading.Event, over: threading.Event) -> None:
    url = f"{learner.client.base_url}/v1/{session}:watch"
    try:
        with httpx.stream("GET", url, headers=learner.client.headers, timeout=90) as response:
            for _ in response.iter_bytes():
                watching.set()
    except httpx.TransportError:
        pass
    over.set()


def listen(learner: Learner, path: str) -> Future[list[described.Event]]:
    """Listens to events, which have begun, and returns all of them once there are no more."""
    begun = threading.Event()

    def read() -> list[described.Event]:
        text = ""
        headers = {**learner.client.headers, "accept": described.EVENTS}
        with httpx.stream(
            "GET", f"{learner.client.base_url}{path}", headers=headers, timeout=PATIENCE_SECONDS
        ) as response:
            for piece in response.iter_text():
                text += piece
                begun.set()
        return described.read_events(text)

    events = ThreadPoolExecutor(1).submit(read)
    assert begun.wait(PATIENCE_SECONDS)
    return events


def refused(learner: Learner, path: str) -> Any:
    return learner.send("GET", path).status_code == 401
