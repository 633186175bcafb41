"""Every call that changes something, in an order in which each succeeds."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from tests.offline import offline_session


class Step(NamedTuple):
    """A call; `keeps` says what later paths and bodies take of its answer, and where it is."""

    method: str
    path: str
    body: Any = None
    keeps: dict[str, str] = {}  # noqa: RUF012 (never changed)


_PASSWORD = "correct horse battery staple"
_NAMED = {"name": "session.name"}
_DRAWN = {"elements": [{"x": 1.0}]}


def _problem() -> dict[str, Any]:
    return {
        "title": f"Changes {uuid.uuid4().hex}",
        "description": "A problem to change.",
        "difficulty": "easy",
        "hints": ["one"],
    }


def _person(**names: str) -> dict[str, str]:
    return {"first_name": "Ana", "last_name": "Gil", "email": f"{uuid.uuid4().hex}@example.com", **names}


def journeys(password: str) -> dict[str, list[Step]]:
    """Returns the calls of each product, for a person with a password."""
    now = datetime.now(UTC)
    later = (now + timedelta(days=10)).date().isoformat()
    design, focus, portal, yoga = (
        "/design/sessions/{design}",
        "/focus/api/v1/sessions/{focus}",
        "/portal/api/v1/sessions/{portal}",
        "/yoga/api/v1/sessions/{yoga}",
    )
    answer = {"exercise_id": "123", "user_answer": "hable", "time_taken": 5}
    exercises = [
        step
        for base in ("/exercises", "/api/exercises")
        for step in (
            Step("POST", f"{base}/session/start", {}, {"drill": "session_id"}),
            Step("POST", f"{base}/submit", {**answer, "session_id": "{drill}"}),
            Step("POST", f"{base}/submit", answer),
            Step("POST", f"{base}/session/end", {"session_id": "{drill}"}),
        )
    ]
    return {
        "exercises": exercises,
        "focus": [
            Step("POST", "/focus/api/v1/sessions", {"duration_seconds": 1500}, {"focus": "data.id"}),
            Step("PATCH", f"{focus}/pause", {"elapsed_seconds": 1, "status": "paused"}),
            Step("PATCH", f"{focus}/resume"),
            Step("PATCH", f"{focus}/end", {"elapsed_seconds": 2, "status": "completed"}),
        ],
        "portal": [
            Step(
                "POST",
                "/portal/api/v1/sessions/start",
                {"activity_id": 123, "settings": {"word_count": 5, "shuffle_seed": 7}},
                {"portal": "session_id", "word": "first_item.item_id"},
            ),
            Step("POST", f"{portal}/progress", {"item_id": "{word}", "answer": "no", "time_taken": 3}),
            Step("POST", f"{portal}/progress", {"item_id": "{word}", "answer": "hola", "time_taken": 3}),
            Step("POST", f"{portal}/complete"),
            Step("POST", "/portal/api/v1/sessions/start", {"activity_id": 123}, {"portal": "session_id"}),
            Step("POST", f"{portal}/cancel"),
        ],
        "yoga": [
            Step("POST", "/yoga/api/v1/sessions/start", {"sequence_id": 123}, {"yoga": "session_id"}),
            Step("PUT", f"{yoga}/pause", {"duration_so_far": 10}),
            Step("PUT", f"{yoga}/resume"),
            Step("PUT", f"{yoga}/notes", {"notes": "calm"}),
            Step(
                "POST",
                "/yoga/api/v1/sessions/complete",
                {"session_id": "{yoga}", "duration_seconds": 900, "completion_status": "completed"},
            ),
            Step("PUT", f"{yoga}/notes", {"notes": "calmer"}),
        ],
        "design": [
            Step("POST", "/design/problems", _problem(), {"problem": "problem.id"}),
            Step("POST", "/design/sessions", {"problem_id": "{problem}"}, {"design": "id"}),
            Step("PUT", f"{design}/autosave", {"diagram_data": _DRAWN, "time_spent": 5}),
            Step("PUT", f"{design}/pause", {"time_spent": 10}),
            Step("PUT", f"{design}/resume"),
            Step("POST", f"{design}/chat", {"role": "user", "content": "How many readers?"}),
            Step("PUT", f"{design}/autosave", {"diagram_data": {}, "time_spent": 20}),
            Step("POST", "/design/submissions/from-session/{design}"),
            Step("POST", "/design/sessions", {"problem_id": "{problem}"}, {"design": "id"}),
            Step("DELETE", design),
            Step(
                "POST",
                "/design/submissions",
                {"problem_id": "{problem}", "diagram_data": _DRAWN, "status": "in-progress"},
                {"submission": "submission.id"},
            ),
            Step("PUT", "/design/submissions/{submission}", {"score": 50}),
            Step("POST", "/design/submissions/{submission}/chat", {"role": "user", "content": "Done?"}),
            Step("DELETE", "/design/submissions/{submission}"),
            Step("PUT", "/design/problems/{problem}", {"hints": []}),
            Step("DELETE", "/design/problems/{problem}"),
            Step("POST", "/design/users/signup", _person(password=_PASSWORD)),
            # One that ends everything ends the token that the others are repeated with.
            Step("POST", "/design/users/logout", {"refresh_token": "of one device"}),
        ],
        "canonical sessions": [
            Step("POST", "/v1/sessions", {"product": "exercises"}, _NAMED),
            Step(
                "POST",
                "/v1/{name}:submitAnswers",
                {"answers": [{"item": "exercises/123", "text": "hable", "time_taken": "3s"}]},
            ),
            Step("PUT", "/v1/{name}/note", {"note": "hard"}),
            Step("POST", "/v1/{name}:pause", {}),
            Step("POST", "/v1/{name}:resume", {}),
            Step("POST", "/v1/{name}:complete", {}),
            Step(
                "POST",
                "/v1/sessions",
                {"product": "focus", "planned_duration": "600s"},
                {"name": "session.name"},
            ),
            Step("POST", "/v1/{name}:abandon", {}),
            Step(
                "POST",
                "/v1/sessions:recordStandaloneAnswer",
                {"product": "exercises", "answer": {"item": "exercises/123", "text": "hable"}},
            ),
            Step("POST", "/v1/sessions:sync", {"items": [offline_session(now - timedelta(hours=3))]}),
        ],
        "canonical work": [
            Step("POST", "/v1/problems", _problem(), {"problem": "name"}),
            Step("PATCH", "/v1/{problem}", {"title": "Another title"}),
            Step(
                "POST",
                "/v1/sessions",
                {"product": "design", "content": "{problem}"},
                {"name": "session.name"},
            ),
            Step("PUT", "/v1/{name}/draft", {"content": '{"elements": [1]}'}),
            Step("POST", "/v1/{name}/messages", {"role": "user", "content": "Well?"}),
            Step("POST", "/v1/{name}:submit", {}),
            Step("POST", "/v1/submissions", {"content": "{problem}", "document": "{}"}, {"made": "name"}),
            Step("PATCH", "/v1/{made}", {"score": 70}),
            Step("POST", "/v1/{made}/messages", {"role": "user", "content": "Well?"}),
            Step("DELETE", "/v1/{made}"),
            Step("DELETE", "/v1/{problem}"),
        ],
        "canonical streaks": [
            Step("PATCH", "/v1/calendar", {"rollover_hour": 3}),
            Step("PATCH", "/v1/calendar", {"rollover_hour": 4}),
            Step("PATCH", "/v1/leaderboardSettings", {"alias": f"Quetzal {uuid.uuid4().hex[:12]}"}),
            Step("PATCH", "/v1/leaderboardSettings", {"opted_out": True}),
            Step("POST", "/v1/restDays", {"weekdays": [6], "effective_date": later}),
            Step("POST", "/v1/pauses", {"first_date": later, "last_date": later}, {"pause": "name"}),
            Step("POST", "/v1/{pause}:cancel", {}),
            Step("POST", "/v1/freezes:buy", {"product": "yoga"}),
            Step("POST", "/v1/freezes:buy", {"product": "yoga"}),
        ],
        "accounts": [
            Step("POST", "/v1/accounts:signUp", _person(password=_PASSWORD)),
            Step("POST", "/v1/accounts:logOut", {"refresh_token": "of one device"}),
            Step(
                "POST",
                "/v1/accounts/me:changePassword",
                {"current_password": password, "new_password": _PASSWORD},
            ),
        ],
    }
