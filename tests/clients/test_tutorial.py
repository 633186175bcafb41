"""The web page of the tutorial, opened as a reader opens it: a file, in a browser."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from urllib.parse import urlencode

from tests.clients.running import BROWSER, PLAY_SECONDS
from tests.npm import NODE
from tests.snippets import ROOT, blocks_of


def test_the_page_of_the_tutorial_drills_and_says_why_the_streak_is_as_it_is(
    npm_packages: None, gateway: dict[str, str], tmp_path: Path
) -> None:
    (page,) = (block for block in blocks_of(ROOT / "docs" / "tutorial.md") if block.title == "drill.html")
    (tmp_path / "drill.html").write_text(page.text, encoding="utf-8")
    given = urlencode({"url": gateway["baseUrl"], "token": gateway["token"]})
    played = subprocess.run(
        [NODE, "tutorial.js", f"file://{tmp_path}/drill.html#{given}", "tomo", "vivo", "hablamos"],
        cwd=BROWSER,
        capture_output=True,
        text=True,
        timeout=PLAY_SECONDS,
        check=False,
        env={**os.environ, "NODE_OPTIONS": ""},
    )
    assert played.returncode == 0, played.stderr
    told = json.loads(played.stdout)
    assert [feedback[:8] for feedback in told["feedback"]] == ["Correct!", "Not quit", "Correct!"]
    assert told["end"] == "Done."
    assert told["why"].startswith("Your exercises streak of 1 day began on "), told["why"]
