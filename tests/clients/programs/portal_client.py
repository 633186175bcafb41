"""The portal product's client: answers over HTTP while a listener follows over a WebSocket.

Reads `{"activity_id", "settings", "answers": {word: translation}, "mistakes": [position]}` from stdin and
tells every answer and event as JSON. GATEWAY_URL and TOKEN come from the environment.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any

import requests
from websockets.sync.client import connect

GATEWAY = os.environ["GATEWAY_URL"]
SESSIONS = f"{GATEWAY}/portal/api/v1/sessions"
PATIENCE_SECONDS = 10.0
AUTHORIZATION = {"Authorization": f"Bearer {os.environ['TOKEN']}"}

given = json.load(sys.stdin)
http = requests.Session()
http.headers.update(AUTHORIZATION)


class Listener(threading.Thread):
    """Collects a session's events until the server closes."""

    def __init__(self, session_id: str) -> None:
        super().__init__()
        self.events: list[Any] = []
        self.close_code: int | None = None
        self._url = f"{GATEWAY.replace('http', 'ws', 1)}/portal/ws/sessions/{session_id}"
        self._news = threading.Condition()

    def run(self) -> None:
        """Listens."""
        with connect(self._url, additional_headers=AUTHORIZATION, proxy=None) as socket:
            for event in socket:
                with self._news:
                    self.events.append(json.loads(event))
                    self._news.notify_all()
        self.close_code = socket.protocol.close_code

    def await_progress(self, completed: int) -> None:
        """Waits for the event of an answer."""
        wanted = {"type": "progress_update", "completed": completed}
        with self._news:
            heard = self._news.wait_for(
                lambda: any(
                    {"type": event["type"], "completed": event["data"].get("completed")} == wanted
                    for event in self.events
                ),
                PATIENCE_SECONDS,
            )
        if not heard:
            sys.exit(f"no event told of {completed} answers: {self.events}")


def post(path: str, body: Any) -> Any:
    """Returns the answer of a call that must be taken."""
    response = http.post(f"{SESSIONS}{path}", json=body, timeout=PATIENCE_SECONDS)
    response.raise_for_status()
    return response.json()


def get(path: str) -> Any:
    """Returns what is at a path."""
    response = http.get(f"{SESSIONS}{path}", timeout=PATIENCE_SECONDS)
    response.raise_for_status()
    return response.json()


def main() -> None:
    """Plays one session."""
    started = post("/start", {"activity_id": given["activity_id"], "settings": given["settings"]})
    one = f"/{started['session_id']}"
    listener = Listener(started["session_id"])
    listener.start()
    listener.await_progress(0)
    during = get(one)
    results: list[Any] = []
    item = started["first_item"]
    while item:
        answer = "?" if len(results) in given["mistakes"] else given["answers"][item["word"]]
        body = {"item_id": item["item_id"], "answer": answer, "time_taken": 2.5}
        results.append(post(f"{one}/progress", body))
        listener.await_progress(results[-1]["progress"]["completed"])
        item = results[-1]["next_item"]
    completed = post(f"{one}/complete", {})
    listener.join(PATIENCE_SECONDS)
    told = {"started": started, "during": during, "results": results, "completed": completed}
    told |= {"events": listener.events, "close_code": listener.close_code}
    told |= {"history": get("/history"), "details": get(one)}
    print(json.dumps(told))


main()
