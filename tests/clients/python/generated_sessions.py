"""A session of each product by clients that another generator made; they know nothing but the descriptions.

Run by a Python that has what these clients need: `generated_sessions.py DIRECTORY URL TOKEN`.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
import typing
from pathlib import Path
from typing import Any

directory, url, token = sys.argv[1:]
sys.path.insert(0, directory)


def call(api: str, operation: str, *ids: Any, body: Any = None, **query: Any) -> Any:
    """Returns what an operation is answered, as JSON has it."""
    written = re.compile(rf"(\w+_service_)?{operation}\.py")
    (file,) = (each for each in Path(directory, api, "api").glob("*/*.py") if written.fullmatch(each.name))
    module = importlib.import_module(".".join(file.relative_to(directory).with_suffix("").parts))
    client = importlib.import_module(api).AuthenticatedClient(base_url=url, token=token)
    given = dict(query)
    hints = typing.get_type_hints(module.sync_detailed)
    if "body" in hints:
        kinds = [
            each for each in typing.get_args(hints["body"]) or (hints["body"],) if hasattr(each, "from_dict")
        ]
        given["body"] = kinds[0].from_dict(body or {})
    answer = module.sync_detailed(*ids, client=client, **given)
    assert answer.status_code < 300, (operation, answer.status_code, answer.content)
    return answer.parsed.to_dict() if hasattr(answer.parsed, "to_dict") else answer.parsed


def exercises() -> Any:
    """Drills."""
    session = call("exercises", "start_session", body={"session_type": "practice"})["session_id"]
    answer = {"session_id": session, "exercise_id": "123", "user_answer": "hable", "time_taken": 8}
    call("exercises", "submit_answer", body=answer)
    return call("exercises", "end_session", body={"session_id": session})["correct_answers"]


def portal() -> Any:
    """Vocabulary."""
    started = call("portal", "start_session", body={"activity_id": 123, "settings": {"word_count": 5}})
    session, item = started["session_id"], started["first_item"]["item_id"]
    answer = {"item_id": item, "answer": "hola", "time_taken": 3.5}
    call("portal", "update_progress", session, body=answer)
    call("portal", "complete_session", session)
    return call("portal", "list_history", limit=5)["total"]


def yoga() -> Any:
    """Guided practice."""
    session = call("yoga", "start_session", body={"sequence_id": 123})["session_id"]
    done = {"session_id": session, "duration_seconds": 900, "completion_status": "completed"}
    call("yoga", "complete_session", body=done)
    return call("yoga", "list_history")["total"]


def focus() -> Any:
    """Focus time."""
    session = call("focus", "start_session", body={"duration_seconds": 1500})["data"]["id"]
    done = {"elapsed_seconds": 25, "status": "completed"}
    call("focus", "end_session", session, body=done)
    return call("focus", "get_streak")["data"]["current_streak"]


def design() -> Any:
    """System design."""
    found = call("design", "search_problems", q="url shortener")
    body = {"problem_id": found["problems"][0]["id"]}
    session = call("design", "open_session", body=body)["id"]
    draft = {"diagram_data": {"elements": [], "appState": {}}, "time_spent": 120}
    call("design", "autosave_session", session, body=draft)
    call("design", "submit_session", session)
    return call("design", "list_my_submissions")["total"]


def canonical() -> Any:
    """Everything of every product."""
    started = call("canonical", "start_session", body={"product": "exercises"})
    session = started["session"]["name"].rpartition("/")[2]
    answers = {"answers": [{"item": "exercises/123", "text": "hable"}]}
    call("canonical", "submit_answers", session, body=answers)
    call("canonical", "complete_session", session)
    standing = call("canonical", "get_standing", min_user_seq=6)
    return standing["totals"]["session_count"]


stories = (exercises, portal, yoga, focus, design, canonical)
print(json.dumps({story.__name__: story() for story in stories}))
