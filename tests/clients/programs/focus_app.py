"""The focus product as a phone has it: `python focus_app.py STATE_FILE`.

Told on stdin, a JSON object a line, what the person taps; shows on stdout what the screen says, likewise.
The countdown runs here. The file is all that outlives the app: whatever is to be sent is written there, with
its key, before it is sent, and stays until it was answered. GATEWAY_URL and TOKEN come from the environment.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

import requests

SESSIONS = "/focus/api/v1/sessions"
# A second of practice takes a hundredth of one here.
SECOND = 0.01
PATIENCE_SECONDS = 5.0


class Kept:
    """What is in the file: the session, its seconds on this phone's clock, and requests not answered yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        kept = json.loads(path.read_text()) if path.exists() else {}
        self.session: dict[str, Any] | None = kept.get("session")
        self.elapsed: int = kept.get("elapsed", 0)
        self.unanswered: list[dict[str, Any]] = kept.get("unanswered", [])

    def save(self) -> None:
        """Writes everything; whenever the app dies, the file is the old one or the new one."""
        beside = self._path.with_suffix(".new")
        values = {"session": self.session, "elapsed": self.elapsed, "unanswered": self.unanswered}
        beside.write_text(json.dumps(values))
        beside.replace(self._path)


class App:
    """The timer and its calls."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._http = requests.Session()
        self._http.headers["Authorization"] = f"Bearer {os.environ['TOKEN']}"

    @property
    def running(self) -> bool:
        """Whether the countdown runs."""
        return self._kept.session is not None and self._kept.session["status"] == "active"

    def open(self) -> None:
        """Sends what waits, and finds the session that the server has."""
        try:
            self.send()
            active = self._call("GET", f"{SESSIONS}/active")
        except requests.RequestException:
            self.show("offline")
            return
        found = active.json()["data"]
        if found is not None:
            same = self._kept.session is not None and self._kept.session["id"] == found["id"]
            self._kept.elapsed = max(found["elapsed_seconds"], self._kept.elapsed if same else 0)
        self._kept.session = found
        self._kept.save()
        self.show("opened")

    def tick(self) -> None:
        """A second has passed."""
        self._kept.elapsed += 1
        self._kept.save()
        self.show("timer")

    def tap(self, action: str, **values: Any) -> None:
        """Does what the person wants: `start`, `pause`, `resume`, `end`, or `sync` to try again."""
        if action == "start":
            self._ask("POST", SESSIONS, {"duration_seconds": values["seconds"]})
        elif action != "sync":
            assert self._kept.session is not None
            told = {} if action == "resume" else {"elapsed_seconds": self._kept.elapsed, **values}
            self._ask("PATCH", f"{SESSIONS}/{self._kept.session['id']}/{action}", told)
        try:
            self.send()
        except requests.RequestException:
            self.show("offline")
        else:
            self.show("done")

    def send(self) -> None:
        """Sends what waits, in order. Raises RequestException when the network is away."""
        while self._kept.unanswered:
            first = self._kept.unanswered[0]
            answer = self._call(first["method"], first["path"], first["body"], first["key"])
            if answer.status_code >= 500:
                raise requests.ConnectionError(answer.text)
            if not answer.ok:
                self.show("refused", status=answer.status_code, message=answer.json()["message"])
            else:
                self._take(answer.json()["data"])
            self._kept.unanswered.pop(0)
            self._kept.save()

    def _take(self, session: dict[str, Any]) -> None:
        if self._kept.session is None or self._kept.session["id"] != session["id"]:
            self._kept.elapsed = session["elapsed_seconds"]
        self._kept.session = session

    def _ask(self, method: str, path: str, body: dict[str, Any]) -> None:
        key = str(uuid.uuid4())
        self._kept.unanswered.append({"method": method, "path": path, "body": body, "key": key})
        self._kept.save()

    def _call(self, method: str, path: str, body: Any = None, key: str = "") -> requests.Response:
        headers = {"Idempotency-Key": key} if key else {}
        url = os.environ["GATEWAY_URL"] + path
        return self._http.request(method, url, json=body, headers=headers, timeout=PATIENCE_SECONDS)

    def show(self, what: str, **more: Any) -> None:
        """Shows a line on the screen."""
        kept = self._kept
        state = {"session": kept.session, "elapsed": kept.elapsed, "unanswered": len(kept.unanswered)}
        print(json.dumps({"shown": what, **state, **more}), flush=True)


def main() -> None:
    """Runs until stdin ends."""
    taps: queue.Queue[str] = queue.Queue()

    def listen() -> None:
        for line in sys.stdin:
            taps.put(line)
        taps.put("")

    threading.Thread(target=listen, daemon=True).start()
    app = App(Kept(Path(sys.argv[1])))
    app.open()
    while True:
        line = None
        with contextlib.suppress(queue.Empty):
            line = taps.get(timeout=SECOND if app.running else None)
        if line is None:
            app.tick()
        elif line:
            app.tap(**json.loads(line))
        else:
            return


main()
