"""A log-out everywhere, through the gateway: every service refuses the token, and what listens is let go."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import httpx
import pytest

from tests.stack import Learner
from tests.waiting import eventually

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

    learner.ok("POST", path, {})

    assert learner.send("GET", "/v1/accounts/me").status_code == 401
    for read in READS:
        eventually(partial(refused, learner, read))
    assert over.wait(60)
    watcher.join(60)
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


def refused(learner: Learner, path: str) -> Any:
    return learner.send("GET", path).status_code == 401
