"""A learner's story through the REST gateway, told with the shipped content.

Every number the platform answers is compared with what the answers given
imply; the first difference ends the story with an error.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import yaml
from rich.console import Console
from rich.table import Table

from deploy.commands.tables import output
from deploy.deserved_badges import Ended, deserved_badges

EXERCISES = 15
# Positions, from 0, at which the learner answers wrongly.
MISTAKES = frozenset({3, 7, 11})
FOCUS_SECONDS = 1500
YOGA_SECONDS = 600
_DEADLINE_SECONDS = 10.0


class DemoFailedError(Exception):
    """The platform said something that does not follow from what was done."""


def run(gateway_url: str, content: Path) -> None:
    """Tells the story. Raises DemoFailedError at the first number that is wrong."""
    console = output()
    with httpx.Client(base_url=gateway_url, timeout=_DEADLINE_SECONDS) as client:
        learner = Learner(client)
        learner.sign_up()
        console.print(f"[bold]Ana[/] signed up as {learner.email} and logged in\n")
        practise_verbs(learner, content, console)
        focus(learner, console)
        show_progress(learner, content, console)
        sync(learner, console)
        explain(learner, console)
    console.print("[green]every number is what the answers imply[/]\n")
    hand_over(learner, gateway_url, console)


class Learner:
    """A learner with an account, talking to the gateway as any client does."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self.email = f"ana.{uuid.uuid4().hex[:12]}@example.com"
        self.password = uuid.uuid4().hex
        self._headers = {"X-Time-Zone": "Europe/Madrid"}

    def sign_up(self) -> None:
        """Makes an account and logs in."""
        credentials = {"email": self.email, "password": self.password}
        self.call("POST", "/v1/accounts:signUp", {"first_name": "Ana", "last_name": "Gil", **credentials})
        tokens = self.call("POST", "/v1/accounts:logIn", credentials)
        self._headers["Authorization"] = f"Bearer {tokens['access_token']}"

    def call(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        """Returns a call's JSON. Raises DemoFailedError for another status."""
        response = self._client.request(method, path, json=body, headers=self._headers)
        if response.status_code != status:
            raise DemoFailedError(
                f"{method} {path} answered {response.status_code}, not {status}: {response.text}"
            )
        return response.json()


def practise_verbs(learner: Learner, content: Path, console: Console) -> None:
    """Answers fifteen exercises, three of them wrongly, and ends the session."""
    started = learner.call("POST", "/api/exercises/session/start", {"session_type": "practice"})
    table = Table(title="Verb exercises", title_justify="left")
    for column in ("exercise", "answer", "right", "feedback"):
        table.add_column(column)
    right = 0
    for position, exercise in enumerate(read_exercises(content)[:EXERCISES]):
        wrong = position in MISTAKES
        answer = exercise["cue"] if wrong else exercise["answers"][0]
        body = {
            "exercise_id": str(exercise["id"]),
            "user_answer": answer,
            "time_taken": 8,
            "session_id": started["session_id"],
        }
        result = learner.call("POST", "/api/exercises/submit", body)
        right += not wrong
        expect("is_correct", result["is_correct"], not wrong)
        expect("correct_answer", result["correct_answer"], exercise["answers"][0])
        expect("total_exercises", result["total_exercises"], position + 1)
        expect("correct_answers", result["correct_answers"], right)
        table.add_row(exercise["prompt"], answer, "no" if wrong else "yes", result["feedback"])
    console.print(table)
    summary = learner.call("POST", "/api/exercises/session/end", {"session_id": started["session_id"]})
    expect("total_exercises", summary["total_exercises"], EXERCISES)
    expect("correct_answers", summary["correct_answers"], EXERCISES - len(MISTAKES))
    expect("score_percentage", summary["score_percentage"], right / EXERCISES * 100)
    show(console, "The session", summary)


def focus(learner: Learner, console: Console) -> None:
    """Starts, pauses, resumes and completes a focus session, and tries to start a second."""
    path = "/focus/api/v1/sessions"
    session = learner.call("POST", path, {"duration_seconds": FOCUS_SECONDS}, status=201)["data"]
    expect("status", session["status"], "active")
    console.print(f"[bold]A focus session[/] of {FOCUS_SECONDS // 60} minutes is started")
    refused = learner.call("POST", path, {"duration_seconds": FOCUS_SECONDS}, status=409)
    expect("data", refused["data"], None)
    console.print(f"  a second one is refused, 409: {refused['message']}")
    one = f"{path}/{session['id']}"
    half = {"elapsed_seconds": FOCUS_SECONDS // 2, "status": "paused"}
    expect("status", learner.call("PATCH", f"{one}/pause", half)["data"]["status"], "paused")
    console.print(f"  paused after {_clock(FOCUS_SECONDS // 2)}")
    restored = learner.call("GET", f"{path}/active")["data"]
    expect("elapsed_seconds", restored["elapsed_seconds"], FOCUS_SECONDS // 2)
    console.print(f"  found again after a restart of the app, at {_clock(restored['elapsed_seconds'])}")
    expect("status", learner.call("PATCH", f"{one}/resume")["data"]["status"], "active")
    console.print("  resumed")
    whole = {"elapsed_seconds": FOCUS_SECONDS, "status": "completed"}
    ended = learner.call("PATCH", f"{one}/end", whole)["data"]
    expect("status", ended["status"], "completed")
    console.print(f"  completed after {_clock(ended['elapsed_seconds'])}\n")
    expect("active session", learner.call("GET", f"{path}/active")["data"], None)
    show(console, "The focus session", ended)


def show_progress(learner: Learner, content: Path, console: Console) -> None:
    """Compares today's progress, the streak and the badges with what was done, and shows them."""
    # The canonical API waits for a completion: the focus session was the last.
    focused, drilled = learner.call("GET", "/v1/sessions?page_size=2")["sessions"]
    fresh = f"min_user_seq={focused['user_seq']}"
    (today,) = learner.call("GET", f"/v1/progress?{fresh}")["days"]
    expect("session_count", today["session_count"], 2)
    expect("answer_count", today["answer_count"], EXERCISES)
    expect("correct_answer_count", today["correct_answer_count"], EXERCISES - len(MISTAKES))
    show(console, "Today, over all products", today)

    (day,) = learner.call("GET", "/focus/api/v1/progress")["data"]
    # The record keeps what the app told; the story is told faster, and only time that passed counts.
    expect("focus_seconds", day["focus_seconds"], Ended.from_session(focused).seconds)
    expect("sessions_completed", day["sessions_completed"], 1)
    streak = learner.call("GET", "/focus/api/v1/streak")["data"]
    expect("current_streak", streak["current_streak"], 1)
    expect("longest_streak", streak["longest_streak"], 1)
    show(console, "Focus today", {**day, **streak})

    badges = learner.call("GET", f"/v1/badges?{fresh}")["badges"]
    earned = sorted(badge["badge"]["badge_id"] for badge in badges)
    expect(
        "badges", earned, deserved_badges(content, [Ended.from_session(drilled), Ended.from_session(focused)])
    )
    table = Table(title="Badges", title_justify="left")
    for column in ("", "badge", "earned for"):
        table.add_column(column)
    for badge in badges:
        definition = badge["badge"]
        table.add_row(definition["icon"], definition["name"], definition["description"])
    console.print(table)


def sync(learner: Learner, console: Console) -> None:
    """Hands in twice what a phone kept of a yoga session while it had no network."""
    ended = datetime.now(UTC)
    item = {
        "client_id": _uuid7(ended),
        "product": "yoga",
        "content": "sequences/123",
        "start_time": (ended - timedelta(seconds=YOGA_SECONDS)).isoformat(),
        "end_time": ended.isoformat(),
        "time_zone": "Europe/Madrid",
        "outcome": "completed",
        "elapsed_seconds": YOGA_SECONDS,
    }
    for sent, outcome in (("sent", "MERGED"), ("sent again", "ALREADY_KNOWN")):
        answer = learner.call("POST", "/v1/sessions:sync", {"items": [{"session": item}]})
        expect("outcome", answer["results"][0]["outcome"], f"OUTCOME_{outcome}")
        standing = learner.call("GET", f"/v1/standing?product=yoga&min_user_seq={answer['user_seq']}")
        expect("session_count", standing["totals"]["session_count"], 1)
        console.print(f"A yoga session without a network is {sent}: it counts once")


def explain(learner: Learner, console: Console) -> None:
    """Asks why the streak over all products is what it is."""
    told = learner.call("GET", "/v1/streaks:explain")
    expect("current", told["streak"]["current"], 1)
    (day,) = told["days"]
    expect("session_count", day["session_count"], 3)
    console.print(f"[bold]Why is the streak what it is?[/] {told['paragraph']}\n")


def hand_over(learner: Learner, gateway_url: str, console: Console) -> None:
    """Tells how to go on as the learner of this story, and where."""
    log_in = json.dumps({"email": learner.email, "password": learner.password})
    pick = "python3 -c 'import json, sys; print(json.load(sys.stdin)[\"access_token\"])'"
    console.print("[bold]The account is yours to try:[/]")
    lines = (
        f"  e-mail    {learner.email}",
        f"  password  {learner.password}",
        f"  token     TOKEN=$(curl -s {gateway_url}/v1/accounts:logIn -d '{log_in}' | {pick})",
        f'  then      curl -s {gateway_url}/v1/standing -H "Authorization: Bearer $TOKEN"',
        "",
        "tutorial    docs/tutorial.md, a drill app in 15 minutes",
        "operators   .venv/bin/practice status, and docs/operating.md",
        "to end      make down (the data stays)",
        f"every call  {gateway_url}/docs/ shows it, and takes the token",
    )
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def read_exercises(content: Path) -> list[dict[str, Any]]:
    """Returns the shipped exercises whose infinitive is no right answer, by number."""
    exercises = [
        exercise
        for path in sorted((content / "exercises").glob("*.yaml"))
        for exercise in yaml.safe_load(path.read_text(encoding="utf-8"))
        if exercise["cue"] not in exercise["answers"]
    ]
    return sorted(exercises, key=lambda exercise: int(exercise["id"]))


def expect(what: str, told: object, implied: object) -> None:
    """Raises DemoFailedError unless the platform told what was implied."""
    if told != implied:
        raise DemoFailedError(f"{what} is {told!r}, but what was done implies {implied!r}")


def show(console: Console, title: str, fields: dict[str, Any]) -> None:
    """Prints an object as a table of two columns."""
    table = Table(title=title, title_justify="left", show_header=False)
    for name, value in fields.items():
        table.add_row(name, _text(value))
    console.print(table)


def _uuid7(made: datetime) -> str:
    """Returns a UUID of version 7, of random bits behind the milliseconds of an instant."""
    bits = int(made.timestamp() * 1000) << 80 | uuid.uuid4().int & ((1 << 80) - 1)
    return str(uuid.UUID(int=bits & ~(0xF << 76 | 0b11 << 62) | 7 << 76 | 0b10 << 62))


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"


def _text(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value))
    return str(value)
