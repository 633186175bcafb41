"""The design product's client: an OAuth2 library for the account, then everything that can be done with one.

Reads `{"email", "password", "query", "diagrams", "problem"}` from stdin and tells every answer as JSON, by
its step. What it does not expect to be refused ends it.
GATEWAY_URL comes from the environment. The gateway is on this machine, so there is no TLS.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import requests
from oauthlib.oauth2 import LegacyApplicationClient
from requests_oauthlib import OAuth2Session

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
DESIGN = f"{os.environ['GATEWAY_URL']}/design"
PATIENCE_SECONDS = 10.0

given = json.load(sys.stdin)
told: dict[str, Any] = {}
web = OAuth2Session(client=LegacyApplicationClient(client_id="design-web"))


def step(
    name: str, method: str, path: str, body: Any = None, *, refused: bool = False, **headers: str
) -> Any:
    """Sends a call with the token, tells its status and answer, and returns the answer."""
    response = web.request(method, DESIGN + path, json=body, headers=headers, timeout=PATIENCE_SECONDS)
    if response.ok is refused:
        sys.exit(f"{name}: {response.status_code} {response.text}")
    told[name] = {"status": response.status_code, "answer": response.json() if response.text else None}
    return told[name]["answer"]


def become_somebody() -> None:
    """Makes an account and logs in with its password."""
    who = {"first_name": "Ana", "last_name": "Gil", "email": given["email"], "password": given["password"]}
    made = requests.post(f"{DESIGN}/users/signup", json=who, timeout=PATIENCE_SECONDS)
    told["signup"] = {"status": made.status_code, "answer": made.json()}
    told["token"] = web.fetch_token(
        f"{DESIGN}/users/login",
        username=given["email"],
        password=given["password"],
        timeout=PATIENCE_SECONDS,
    )
    step("me", "GET", "/users/me")


def solve() -> None:
    """Works on a problem: saves, asks, leaves, comes back, submits."""
    found = step("search", "GET", f"/problems/search/query?q={given['query']}&limit=1")
    problem = found["problems"][0]["id"]
    opened = step("open", "POST", "/sessions/", {"problem_id": problem})
    one = f"/sessions/{opened['id']}"
    edited = opened["diagram_hash"]
    for number, diagram in enumerate(given["diagrams"], start=1):
        body = {"diagram_data": diagram, "time_spent": 10 * number}
        saved = step(f"autosave {number}", "PUT", f"{one}/autosave", body, **{"If-Match": edited})
        edited = saved["diagram_hash"]
    stale = {"diagram_data": {}, "time_spent": 35}
    stale_hash = {"If-Match": opened["diagram_hash"]}
    step("stale autosave", "PUT", f"{one}/autosave", stale, refused=True, **stale_hash)
    step("chat", "POST", f"{one}/chat", {"role": "user", "content": "How do I shard this?"})
    step("pause", "PUT", f"{one}/pause", {"time_spent": 40})
    step("open again", "POST", "/sessions/", {"problem_id": problem})
    step("resume", "PUT", f"{one}/resume")
    step("get session", "GET", one)
    submitted = step("submit", "POST", f"/submissions/from-session/{opened['id']}")
    step("read", "GET", f"/submissions/{submitted['submission']['id']}")
    step("read by problem", "GET", f"/submissions/problem/{problem}")
    step("open session", "GET", f"/sessions/problem/{problem}")


def review(submission_id: str) -> None:
    """Gives a submission marks and words, and looks at all of them."""
    one = f"/submissions/{submission_id}"
    feedback = {"strengths": ["Simple"], "improvements": [], "missing_components": ["Cache"]}
    step("mark", "PUT", one, {"score": 90, "feedback": feedback})
    step("discuss", "POST", f"{one}/chat", {"role": "assistant", "content": "Think of a cache."})
    step("my submissions", "GET", "/submissions/user/my-submissions?limit=10")


def write_problem() -> None:
    """Writes a problem, tries it out and takes it back."""
    made = step("create problem", "POST", "/problems/", given["problem"])["problem"]
    one = f"/problems/{made['id']}"
    step("list problems", "GET", "/problems/?skip=0&limit=1")
    step("my problems", "GET", "/problems/user/my-problems")
    step("update problem", "PUT", one, {"difficulty": "hard"})
    step("get problem", "GET", one)
    tried = step("try", "POST", "/sessions/", {"problem_id": made["id"]})
    step("abandon", "DELETE", f"/sessions/{tried['id']}")
    work = {"problem_id": made["id"], "diagram_data": given["diagrams"][0], "status": "in-progress"}
    by_hand = step("submit by hand", "POST", "/submissions/", work)["submission"]
    step("delete submission", "DELETE", f"/submissions/{by_hand['id']}")
    step("delete problem", "DELETE", one)
    step("get deleted problem", "GET", one, refused=True)


def refresh() -> None:
    """Gets a new access token, as it is documented, and goes on with it."""
    body = {"refresh_token": told["token"]["refresh_token"]}
    fresh = requests.post(f"{DESIGN}/users/refresh", json=body, timeout=PATIENCE_SECONDS)
    told["refresh"] = {"status": fresh.status_code, "answer": fresh.json()}
    web.token = {**web.token, **fresh.json()}
    step("my sessions", "GET", "/sessions/user/my-sessions")


def leave() -> None:
    """Logs out; the refresh token is worth nothing then."""
    body = {"refresh_token": told["token"]["refresh_token"]}
    step("logout", "POST", "/users/logout", body)
    step("refresh after logout", "POST", "/users/refresh", body, refused=True)


become_somebody()
solve()
review(told["submit"]["answer"]["submission"]["id"])
write_problem()
refresh()
leave()
print(json.dumps(told))
