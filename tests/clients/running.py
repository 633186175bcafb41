"""Runs clients as programs, and installs once what the ones in the browser need from npm."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from pathlib import Path
from typing import Any

from tests import npm, programs
from tests.npm import NODE

BROWSER = Path(__file__).parent / "browser"
# No client takes longer; one that hangs is ended.
PLAY_SECONDS = 45.0


def install() -> None:
    """Installs packages and browser unless they are there. Fails the test with npm's own words."""
    npm.install(BROWSER, ("Chromium cannot be used", BROWSER / "chromium.js"))


def play(program: str, *steps: dict[str, Any], folder: Path = BROWSER) -> Any:
    """Returns what a program of `browser/`, or of another folder, tells of the scenarios it played."""
    done = subprocess.run(
        [NODE, program],
        cwd=folder,
        input=json.dumps(steps),
        capture_output=True,
        text=True,
        timeout=PLAY_SECONDS,
        check=False,
        env={**os.environ, "NODE_OPTIONS": ""},
    )
    assert done.returncode == 0, f"{program}: {done.stderr}"
    return json.loads(done.stdout)


class Browser:
    """Plays scenarios in one Chromium, each time in a profile of its own. Starts when it is first asked.

    Its pages are those of `browser/`, or of another folder.
    """

    def __init__(self, folder: Path = BROWSER) -> None:
        self._folder = folder
        self._program: subprocess.Popen[str] | None = None

    def play(self, *steps: dict[str, Any]) -> Any:
        """Returns what `in_chromium.js` tells of the scenarios it played."""
        program = self._program = self._program or self._start()
        assert program.stdin and program.stdout
        program.stdin.write(json.dumps(steps) + "\n")
        program.stdin.flush()
        hung = threading.Timer(PLAY_SECONDS, program.kill)
        hung.start()
        line = program.stdout.readline()
        hung.cancel()
        if not line:
            self.stop()
        assert line, "Chromium ended, or hung; see the captured errors"
        told = json.loads(line)
        assert "error" not in told, told
        return told

    def stop(self) -> None:
        """Ends it. Safe to call again."""
        if self._program is not None:
            self._program.communicate(timeout=PLAY_SECONDS)
            self._program = None

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [NODE, "in_chromium.js", self._folder],
            cwd=BROWSER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "NODE_OPTIONS": ""},
        )


def run_program(name: str, gateway: dict[str, str], *words: str, given: Any = None) -> Any:
    """Returns what a program of `programs/` tells. It reads `given` from its stdin."""
    environment = {**os.environ, "GATEWAY_URL": gateway["baseUrl"], "TOKEN": gateway["token"]}
    done = programs.run(f"tests.clients.programs.{name}", *words, env=environment, given=json.dumps(given))
    assert done.returncode == 0, f"{name}: {done.stderr}"
    return json.loads(done.stdout)
