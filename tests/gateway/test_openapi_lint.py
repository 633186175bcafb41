"""The description of the REST APIs before another linter: its rules, and examples beside their schemas."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tests import npm
from tests.described import document
from tests.gateway.test_openapi import NAMES
from tests.waiting import PATIENCE_SECONDS

REDOCLY = Path(__file__).with_name("redocly")


def test_a_second_linter_finds_nothing(tmp_path: Path) -> None:
    npm.install(REDOCLY)
    files = [tmp_path / f"{name}.json" for name in NAMES]
    for name, file in zip(NAMES, files, strict=True):
        file.write_text(json.dumps(document(name)))
    linter = REDOCLY / "node_modules" / "@redocly" / "cli" / "bin" / "cli.js"
    done = subprocess.run(
        [
            npm.NODE,
            linter,
            "lint",
            "--config",
            REDOCLY / "redocly.yaml",
            "--format",
            "github-actions",
            *files,
        ],
        capture_output=True,
        text=True,
        timeout=3 * PATIENCE_SECONDS,
        check=False,
        env={**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"},
    )
    found = [line for line in done.stdout.splitlines() if line.startswith("::")]
    assert (done.returncode, found) == (0, []), done.stderr
