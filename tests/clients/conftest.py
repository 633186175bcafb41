"""Clients as programs of their own, that know the gateway's address and a token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from deploy.local.stack import LocalStack
from tests.clients import running
from tests.stack import Learner

# Plays scenarios of browser/scenarios.js, each `(name, what it is given besides the gateway)`.
Play = Callable[..., Any]


@pytest.fixture(scope="session")
def npm_packages() -> None:
    """The packages of `browser/`, and Chromium."""
    running.install()


@pytest.fixture
def gateway(stack: LocalStack, learner: Learner) -> dict[str, str]:
    """All that a client is told: where the gateway is, and a token."""
    return {"baseUrl": stack.gateway_url, "token": learner.tokens["access_token"]}


@pytest.fixture
def play_in_node(gateway: dict[str, str]) -> Play:
    """Plays scenarios in Node."""
    return player(partial(running.play, "in_node.js"), gateway)


@pytest.fixture
def play_in_chromium(gateway: dict[str, str], browser: running.Browser) -> Play:
    """Plays scenarios in a page of another origin, loaded anew before each."""
    return player(browser.play, gateway)


@pytest.fixture(scope="package")
def browser(npm_packages: None) -> Iterator[running.Browser]:
    """The one Chromium of these tests: starting it costs more than what they do with it."""
    browser = running.Browser()
    yield browser
    browser.stop()


def player(run: Callable[..., Any], gateway: dict[str, str]) -> Play:
    """Returns a way to play scenarios; another `gateway` among what is given goes before this one."""

    def play(*scenarios: tuple[str, dict[str, Any]]) -> Any:
        steps = [{"scenario": name, "given": {"gateway": gateway, **given}} for name, given in scenarios]
        return run(*steps)

    return play
