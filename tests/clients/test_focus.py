"""The focus product's app: killed, offline, unheard; what it was told stays true and counts once."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local.stack import LocalStack
from tests import programs
from tests.clients.network import Network
from tests.end_to_end.documented import assert_like
from tests.stack import Learner

APP = "tests.clients.programs.focus_app"
# A screen that does not change for so long never will.
SCREEN_SECONDS = 30.0


class Phone:
    """A phone with the app on it: the app may die, its file stays."""

    def __init__(self, gateway_url: str, token: str, file: Path) -> None:
        self.file = file
        self._environment = {**os.environ, "GATEWAY_URL": gateway_url, "TOKEN": token}
        self._app: programs.Started | None = None

    def open_app(self) -> dict[str, Any]:
        """Starts the app and returns its first screen."""
        self._app = programs.start(APP, str(self.file), env=self._environment)
        return self.shown(lambda line: line["shown"] in ("opened", "offline"))

    def tap(self, action: str, **values: Any) -> dict[str, Any]:
        """Taps something and returns the screen once it is done, or has to wait for the network."""
        assert self._app is not None
        assert self._app.stdin is not None
        self._app.stdin.write(json.dumps({"action": action, **values}) + "\n")
        self._app.stdin.flush()
        return self.shown(lambda line: line["shown"] in ("done", "offline", "refused"))

    def after(self, seconds: int) -> dict[str, Any]:
        """Waits until the countdown shows that many seconds."""
        return self.shown(lambda line: line["elapsed"] >= seconds)

    def shown(self, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Returns the next screen that fits."""
        assert self._app is not None
        assert self._app.stdout is not None
        patience = threading.Timer(SCREEN_SECONDS, self._app.kill)
        patience.start()
        try:
            for line in self._app.stdout:
                screen: dict[str, Any] = json.loads(line)
                if fits(screen):
                    return screen
        finally:
            patience.cancel()
        raise AssertionError("the app ended, or never showed what was waited for")

    def kill_app(self) -> None:
        """Kills the app with SIGKILL, if it runs."""
        if self._app is not None:
            self._app.kill()
            self._app.communicate()


@pytest.fixture
def network(stack: LocalStack) -> Iterator[Network]:
    network = Network(stack.gateway_url)
    yield network
    network.go()


@pytest.fixture
def phone(network: Network, learner: Learner, tmp_path: Path) -> Iterator[Phone]:
    phone = Phone(network.url, learner.tokens["access_token"], tmp_path / "focus.json")
    yield phone
    phone.kill_app()


def assert_counted_once(learner: Learner, session: dict[str, Any]) -> None:
    """Asserts that the platform has this completed session and no other."""
    (only,) = learner.ok("GET", "/focus/api/v1/sessions")["data"]
    assert only == session
    assert only["status"] == "completed"
    (day,) = learner.ok("GET", "/focus/api/v1/progress")["data"]
    counted = {"focus_seconds": session["elapsed_seconds"], "sessions_completed": 1}
    assert_like(day, counted, values=True)
    assert learner.ok("GET", "/focus/api/v1/streak")["data"]["current_streak"] == 1


def test_the_app_goes_on_where_it_was_killed(phone: Phone, learner: Learner) -> None:
    assert phone.open_app()["session"] is None
    session = phone.tap("start", seconds=1500)["session"]
    before = phone.after(10)["elapsed"]
    phone.kill_app()

    restored = phone.open_app()
    assert restored["session"] == session
    assert restored["elapsed"] >= before
    phone.after(restored["elapsed"] + 5)

    paused = phone.tap("pause", status="paused")
    assert paused["session"]["elapsed_seconds"] == paused["elapsed"] > before
    assert phone.tap("resume")["session"]["status"] == "active"
    phone.after(paused["elapsed"] + 5)
    completed = phone.tap("end", status="completed")
    assert completed["session"]["elapsed_seconds"] == completed["elapsed"]
    assert_counted_once(learner, completed["session"])


def test_a_new_phone_goes_on_from_what_the_server_has(phone: Phone, learner: Learner) -> None:
    phone.open_app()
    session_id = phone.tap("start", seconds=1500)["session"]["id"]
    phone.after(10)
    paused = phone.tap("pause", status="paused")
    phone.kill_app()
    phone.file.unlink()

    restored = phone.open_app()
    assert (restored["session"], restored["elapsed"]) == (paused["session"], paused["elapsed"])
    assert restored["session"]["id"] == session_id
    phone.tap("resume")
    phone.after(paused["elapsed"] + 5)
    assert_counted_once(learner, phone.tap("end", status="completed")["session"])


def test_what_was_tapped_offline_is_sent_when_the_network_is_back(
    phone: Phone, network: Network, learner: Learner
) -> None:
    phone.open_app()
    phone.tap("start", seconds=1500)
    phone.after(10)
    network.go()
    waiting = phone.tap("pause", status="paused")
    assert (waiting["shown"], waiting["unanswered"]) == ("offline", 1)
    phone.kill_app()
    assert phone.open_app()["unanswered"] == 1
    assert phone.tap("end", status="completed")["unanswered"] == 2
    assert learner.ok("GET", "/focus/api/v1/sessions/active")["data"]["elapsed_seconds"] == 0

    network.come()
    sent = phone.tap("sync")
    assert (sent["shown"], sent["unanswered"]) == ("done", 0)
    assert_counted_once(learner, sent["session"])


def test_an_answer_that_got_lost_is_asked_for_again_and_nothing_happens_twice(
    phone: Phone, network: Network, learner: Learner
) -> None:
    phone.open_app()
    network.loses_answers = True
    unheard = phone.tap("start", seconds=1500)
    assert (unheard["session"], unheard["unanswered"]) == (None, 1)
    assert learner.ok("GET", "/focus/api/v1/sessions/active")["data"] is not None
    network.loses_answers = False
    started = phone.tap("sync")
    assert started["shown"] == "done"
    assert started["session"]["status"] == "active"

    phone.after(10)
    network.loses_answers = True
    assert phone.tap("end", status="completed")["unanswered"] == 1
    assert learner.ok("GET", "/focus/api/v1/sessions/active")["data"] is None
    phone.kill_app()
    network.loses_answers = False
    phone.open_app()
    assert phone.tap("sync")["unanswered"] == 0
    (session,) = learner.ok("GET", "/focus/api/v1/sessions")["data"]
    assert_counted_once(learner, session)
