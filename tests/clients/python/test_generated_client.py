"""Clients that an outside generator makes of the descriptions drive a session of each product."""

from __future__ import annotations

import json
from pathlib import Path

from deploy.local.layout import ROOT
from deploy.local.stack import LocalStack
from tests.clients.python.conftest import run
from tests.stack import Learner

GENERATOR = ROOT / "build" / "clients" / "python" / "bin"
DESCRIPTIONS = ("exercises", "portal", "yoga", "focus", "design", "canonical")
# No program tidies what it writes; an archive is bytes, and of streams it knows nothing.
KINDS = {
    "application/zip": "application/octet-stream",
    "application/x-ndjson": "application/json",
    "text/event-stream": "application/json",
}
CONFIGURATION = json.dumps({"post_hooks": [], "content_type_overrides": KINDS})
PLAY = Path(__file__).with_name("generated_sessions.py")


def test_clients_of_another_generator_drive_every_product(
    wheel: Path, stack: LocalStack, learner: Learner, tmp_path: Path
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(CONFIGURATION)
    for name in DESCRIPTIONS:
        described = ROOT / "generated" / "openapi" / f"{name}.json"
        command = (GENERATOR / "openapi-python-client", "generate", "--path", described, "--config", config)
        run(*command, "--meta", "none", "--fail-on-warning", "--output-path", tmp_path / name)
    played = run(GENERATOR / "python", PLAY, tmp_path, stack.gateway_url, learner.tokens["access_token"])
    assert json.loads(played) == {
        "exercises": 1,
        "portal": 1,
        "yoga": 1,
        "focus": 1,
        "design": 1,
        "canonical": 6,
    }
