"""A page of the yoga app, loaded once: `python yoga_page.py [ACTION [NAME=NUMBER_OR_TEXT ...]]`.

Looks for a session to go on with, does what the person wants and tells both as JSON:
`{"current": session or null, "status": 200, "answer": {...}}`. The actions are begin, pause, resume,
complete and notes, and stats, history and calendar to look at.
GATEWAY_URL and TOKEN come from the environment.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import requests

SESSIONS = f"{os.environ['GATEWAY_URL']}/yoga/api/v1/sessions"


class Page:
    """The state of one page load: the session to go on with."""

    def __init__(self, token: str) -> None:
        self._http = requests.Session()
        self._http.headers["Authorization"] = f"Bearer {token}"
        self.current = self._find_current()

    def _find_current(self) -> dict[str, Any] | None:
        found = self._http.get(f"{SESSIONS}/current", timeout=10)
        if found.status_code == 401:
            sys.exit("logged out: please log in")
        if found.status_code == 404:
            return None
        found.raise_for_status()
        session: dict[str, Any] = found.json()
        return session

    def do(self, action: str, **values: Any) -> requests.Response:
        """Sends what an action asks for; `session_id` says which session when it is not the current one."""
        if action == "begin":
            return self._http.post(f"{SESSIONS}/start", json=values, timeout=10)
        if action in ("stats", "history", "calendar"):
            return self._http.get(f"{SESSIONS}/{action}", params=values, timeout=10)
        session_id = values.pop("session_id", self.current and self.current["session_id"])
        if action == "complete":
            return self._http.post(
                f"{SESSIONS}/complete", json={"session_id": session_id, **values}, timeout=10
            )
        return self._http.put(f"{SESSIONS}/{session_id}/{action}", json=values, timeout=10)


def main() -> None:
    """Loads the page and does at most one thing."""
    page = Page(os.environ["TOKEN"])
    told: dict[str, Any] = {"current": page.current}
    if len(sys.argv) > 1:
        values = dict(pair.split("=", 1) for pair in sys.argv[2:])
        numbers = {name: int(value) if value.isdigit() else value for name, value in values.items()}
        response = page.do(sys.argv[1], **numbers)
        told |= {"status": response.status_code, "answer": response.json()}
    print(json.dumps(told))


main()
