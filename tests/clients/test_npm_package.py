"""`practice-client` for TypeScript, installed from its tarball in a clean directory: in Node and Chromium."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from deploy.local.stack import LocalStack
from tests import npm
from tests.clients import npm_package, running
from tests.clients.network import Network
from tests.stack import Learner

TSC = npm_package.PACKAGE / "node_modules" / "typescript" / "bin" / "tsc"
Play = Callable[..., list[Any]]


@pytest.fixture(scope="package")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as it is published."""
    return npm_package.build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="package")
def app(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which nothing but the package is installed."""
    folder = tmp_path_factory.mktemp("clean") / "app"
    npm_package.install(tarball, folder)
    return folder


@pytest.fixture(scope="package")
def page(app: Path, npm_packages: None) -> Iterator[running.Browser]:
    """Chromium, with pages that come from that directory."""
    page = running.Browser(app)
    yield page
    page.stop()


@pytest.fixture
def play_in_node(app: Path) -> Play:
    """Plays scenarios in a process of Node."""
    return player(partial(running.play, "in_node.js", folder=app))


@pytest.fixture
def play_in_chromium(page: running.Browser) -> Play:
    """Plays scenarios in a page, loaded anew before each."""
    return player(page.play)


@pytest.fixture(params=["play_in_node", "play_in_chromium"])
def play(request: pytest.FixtureRequest) -> Play:
    """Plays in both places."""
    found: Play = request.getfixturevalue(request.param)
    return found


def player(run: Callable[..., Any]) -> Play:
    def play(*scenarios: tuple[str, dict[str, Any]]) -> list[Any]:
        told = run(*({"scenario": name, "given": given} for name, given in scenarios))
        results: list[Any] = told["results"]
        return results

    return play


@pytest.fixture
def gateway(stack: LocalStack, learner: Learner) -> dict[str, Any]:
    """What a client is told: where the gateway is, and the tokens of a learner."""
    tokens = {"accessToken": learner.tokens["access_token"], "refreshToken": learner.tokens["refresh_token"]}
    return {"baseUrl": stack.gateway_url, "tokens": tokens}


@pytest.fixture
def written(stack: LocalStack) -> dict[str, str]:
    """What stands in the README for something else here."""
    return {
        "http://127.0.0.1:8080": stack.gateway_url,
        "ana@example.com": f"ana.{uuid.uuid4().hex}@example.com",
    }


def offline_session() -> dict[str, Any]:
    ended = datetime.now(UTC) - timedelta(hours=1)
    return {
        "product": "focus",
        "start_time": (ended - timedelta(minutes=25)).isoformat(),
        "end_time": ended.isoformat(),
        "planned_seconds": 1500,
        "outcome": "completed",
    }


@pytest.mark.usefixtures("tarball")
def test_it_keeps_what_it_says_of_retries_tokens_lists_streams_and_its_queue() -> None:
    tests = sorted((npm_package.PACKAGE / "test").glob("*.test.js"))
    assert tests
    npm_package.run(npm.NODE, "--test", "--test-timeout=60000", *tests, cwd=npm_package.PACKAGE)


def test_its_version_is_the_platforms(app: Path) -> None:
    installed = json.loads((app / "node_modules" / "practice-client" / "package.json").read_text())
    assert installed["version"] == metadata.version("practice-platform")
    assert list(installed["dependencies"]) == ["openapi-fetch"]
    assert (app / "node_modules" / "practice-client" / "LICENSE").is_file()


def test_the_quick_start_runs(play: Play, app: Path, written: dict[str, str]) -> None:
    quick_start = npm_package.snippets(written)[0]
    assert len(quick_start.splitlines()) < 20
    name = f"quick_start_{uuid.uuid4().hex}.js"
    (app / name).write_text(quick_start, encoding="utf-8")
    assert play(("run", {"module": f"./{name}"})) == [["right", "days in a row: 1"]]


def test_every_snippet_of_the_readme_runs(play_in_node: Play, app: Path, written: dict[str, str]) -> None:
    module = "\n".join(npm_package.snippets(written))
    (app / "readme.js").write_text(module, encoding="utf-8")
    (lines,) = play_in_node(("run", {"module": "./readme.js"}))
    assert lines[:4] == ["right", "days in a row: 1", "400 SESSION_ENDED", "Ana"]
    assert lines[-1] == "OUTCOME_MERGED"
    assert [line.split()[0] for line in lines if line.startswith("KIND_")] == ["KIND_SNAPSHOT", "KIND_ENDED"]


def test_calls_have_types_and_what_no_path_takes_or_answers_is_an_error(
    app: Path, written: dict[str, str]
) -> None:
    (app / "readme.ts").write_text("\n".join(npm_package.snippets(written)), encoding="utf-8")
    options = {
        "module": "nodenext",
        "target": "es2022",
        "lib": ["es2023", "dom"],
        "types": [],
        "strict": True,
    }
    config = {"compilerOptions": {**options, "noEmit": True}, "files": ["readme.ts", "wrong.ts"]}
    (app / "tsconfig.json").write_text(json.dumps(config))
    npm_package.run(npm.NODE, TSC, "--project", app, cwd=app)


def test_a_session_of_every_product_is_practised(play: Play, gateway: dict[str, Any]) -> None:
    (told,) = play(("practise", {"gateway": gateway}))
    assert told["ends"]["exercises"]["correct_answers"] == 1
    assert told["ends"]["portal"]["session_summary"]["words_practiced"] == 1
    assert told["ends"]["focus"]["data"]["status"] == "completed"
    assert told["totals"]["session_count"] == 5
    assert sorted(told["names"]) == ["design", "exercises", "focus", "portal", "yoga"]


def test_what_a_page_kept_offline_is_handed_in_by_a_later_one(
    play_in_chromium: Play, gateway: dict[str, Any]
) -> None:
    network = Network(gateway["baseUrl"])
    network.go()
    away = {**gateway, "baseUrl": network.url}
    added, told = play_in_chromium(
        ("addOffline", {"gateway": away, "session": offline_session()}), ("syncLater", {"gateway": gateway})
    )
    assert added["reason"] == "NO_ANSWER"
    assert told["waiting"] == [added["id"]]
    assert [result["outcome"] for result in told["results"]] == ["OUTCOME_MERGED"]
    assert (told["left"], told["again"]) == ([], [])
    assert told["totals"]["session_count"] == 1


def test_statistics_are_told_as_they_change(play: Play, gateway: dict[str, Any]) -> None:
    (seen,) = play(("watchStatistics", {"gateway": gateway}))
    assert [change["kind"] for change in seen] == ["KIND_SNAPSHOT", "KIND_CHANGED"]
    streaks = {each["totals"]["product"]: each["streak"]["current_days"] for each in seen[-1]["products"]}
    assert streaks == {"all": 1, "exercises": 1}


def test_live_events_go_on_over_a_break(play: Play, gateway: dict[str, Any]) -> None:
    network = Network(gateway["baseUrl"])
    behind = {**gateway, "baseUrl": network.url}
    with npm_package.switch(network) as switch:
        (seen,) = play(("watchOverABreak", {"gateway": gateway, "behind": behind, "network": switch}))
    network.go()
    assert [change["kind"] for change in seen] == ["KIND_SNAPSHOT", *["KIND_ANSWERED"] * 3, "KIND_ENDED"]
    assert [change["answer_count"] for change in seen] == [0, 1, 2, 3, 3]
    cursors = [int(change["cursor"]) for change in seen]
    assert cursors == sorted(set(cursors))
