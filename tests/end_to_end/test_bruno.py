"""The collections for Bruno, sent by its own command: each call of each story is answered as it says."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy.local.stack import LocalStack
from gateway.openapi.bruno import ENVIRONMENT, write_collection
from gateway.openapi.examples import read_calls
from tests import npm
from tests.described import DOCUMENTS, document
from tests.stack import MakeLearner
from tests.waiting import PATIENCE_SECONDS

BRUNO = Path(__file__).with_name("bruno")
NAMES = [each.name for each in DOCUMENTS]


def asked_by(collection: Path) -> set[str]:
    """What the environment of a collection leaves to whoever opens it."""
    told = (collection / "environments" / f"{ENVIRONMENT}.bru").read_text()
    return set(re.findall(r"^  (\w+)", told, re.MULTILINE))


def known_of(make_learner: MakeLearner, name: str) -> dict[str, str]:
    learner = make_learner(name.capitalize())
    told = {
        "token": learner.tokens["access_token"],
        "id": learner.account["user_id"],
        "email": learner.email,
        "password": learner.password,
    }
    return {f"{name}_{key}": str(value) for key, value in told.items()}


def run(collection: Path, results: Path, known: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    values = [word for name, value in known.items() for word in ("--env-var", f"{name}={value}")]
    command = BRUNO / "node_modules" / "@usebruno" / "cli" / "bin" / "bru.js"
    return subprocess.run(
        [npm.NODE, command, "run", "--env", ENVIRONMENT, *values, "--noproxy", "--reporter-json", results],
        cwd=collection,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
        env={**os.environ, "NODE_OPTIONS": ""},
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_collection_is_answered_as_its_story_says(
    name: str, stack: LocalStack, make_learner: MakeLearner, tmp_path: Path
) -> None:
    npm.install(BRUNO)
    write_collection(name, document(name), tmp_path)
    asked = asked_by(tmp_path / name)
    known = known_of(make_learner, "ana")
    for other in ("bea", "cleo"):
        if f"{other}_token" in asked:
            known |= known_of(make_learner, other)
    operators = name == "operators"
    internal = (stack.layout.secrets / "internal_token").read_text().strip()
    known["token"] = internal if operators else known["ana_token"]
    known["baseUrl"] = (
        f"http://127.0.0.1:{stack.settings.ports.gateway_operators}" if operators else stack.gateway_url
    )
    done = run(tmp_path / name, tmp_path / "results.json", {each: known[each] for each in asked})
    assert (tmp_path / "results.json").exists(), done.stdout + done.stderr
    (told,) = json.loads((tmp_path / "results.json").read_text())
    failed = [
        (each["test"]["filename"], check.get("error"), each["response"].get("data"))
        for each in told["results"]
        for check in each["assertionResults"]
        if check["status"] != "pass"
    ]
    assert failed == []
    calls = [call for call in read_calls(name) if "accept" not in call.headers]
    assert len(told["results"]) == len(calls)
    assert all(each["assertionResults"] for each in told["results"])
    assert done.returncode == 0, done.stdout + done.stderr
