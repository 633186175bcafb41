"""Examples: calls that are made one after the other, and what they were answered.

`examples/NAME.yaml` has the calls of a document, written by hand; `examples/NAME.json` what
the gateway answered, written by `make examples`. The calls of a document are one story: what
a call is answered can be kept and said in a later one.

    - call: start a session
      operation: startSession
      body: {language: es}
      keep: {session: session_id}
    - call: answer
      operation: submitAnswer
      body: {session_id: "${session}", exercise_id: 123, user_answer: hable}

`as` names who calls (`ana` when left out, `nobody` has no token), `path`, `query` and `headers` what else
is sent, `status` the answer expected (200 when left out). Of server-sent events the first is read.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

DIRECTORY = Path(__file__).with_name("examples")

_SHOWN_ITEMS = 3
_SHOWN_CHARACTERS = 8
_SECRETS = frozenset({"access_token", "refresh_token"})
_KEPT = re.compile(r"\$\{([a-z_0-9]+)\}")
_BETWEEN_WORDS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Example:
    """A call, and its answer once there is one."""

    name: str
    operation: str
    caller: str = "ana"
    path: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    status: int = 200
    keep: Mapping[str, str] = field(default_factory=dict)
    answer: Any = None
    answered: bool = False

    @property
    def key(self) -> str:
        """Its name as a key."""
        return _BETWEEN_WORDS.sub("-", self.name.lower()).strip("-")

    def fill(self, kept: Mapping[str, Any]) -> Example:
        """Returns the call with what was kept in its places. Raises KeyError of what was not."""
        return replace(
            self,
            path=_fill(self.path, kept),
            query=_fill(self.query, kept),
            headers=_fill(self.headers, kept),
            body=_fill(self.body, kept),
        )

    def names(self) -> set[str]:
        """Returns the names of what was kept that the call says."""
        said = json.dumps([self.path, self.query, self.headers, self.body])
        return set(_KEPT.findall(said))

    def keep_of(self, answer: Any) -> dict[str, Any]:
        """Returns what later calls say of an answer. Raises KeyError, IndexError."""
        found = {name: _find(answer, way) for name, way in self.keep.items()}
        # A resource's name is said in bodies, in paths what is behind its collection.
        ids = {
            f"{name}_id": value.rpartition("/")[2]
            for name, value in found.items()
            if isinstance(value, str) and "/" in value
        }
        return {**found, **ids}


def read_calls(name: str, directory: Path = DIRECTORY) -> list[Example]:
    """Returns the calls of a document, in order. Raises OSError, TypeError of what is no call."""
    calls = yaml.safe_load((directory / f"{name}.yaml").read_text())
    return [Example(**{_NAMES.get(key, key): value for key, value in call.items()}) for call in calls]


def read_examples(name: str, directory: Path = DIRECTORY) -> dict[str, list[Example]]:
    """Returns the calls of a document with what they were answered, by operation."""
    if not (directory / f"{name}.yaml").exists():
        return {}
    answers = read_answers(name, directory)
    told: dict[str, list[Example]] = defaultdict(list)
    for call in read_calls(name, directory):
        known = answers.get(call.name)
        if known is None:
            told[call.operation].append(call)
            continue
        made = call.fill(known["kept"])
        told[call.operation].append(replace(made, answer=known["answer"], answered=True))
    return dict(told)


def read_answers(name: str, directory: Path = DIRECTORY) -> dict[str, Any]:
    """Returns what the calls of a document were answered and what was known by then, by their names."""
    file = directory / f"{name}.json"
    return json.loads(file.read_text()) if file.exists() else {}


def write_answers(name: str, answers: Mapping[str, Any], directory: Path = DIRECTORY) -> None:
    """Keeps what the calls of a document were answered."""
    text = json.dumps(answers, indent=1, ensure_ascii=False)
    (directory / f"{name}.json").write_text(f"{text}\n")


def shorten(answer: Any) -> Any:
    """Returns an answer as it is shown: lists by their first items, secrets by their beginning."""
    if isinstance(answer, dict):
        return {
            name: f"{value[:_SHOWN_CHARACTERS]}..." if name in _SECRETS and value else shorten(value)
            for name, value in answer.items()
        }
    if isinstance(answer, list):
        return [shorten(each) for each in answer[:_SHOWN_ITEMS]]
    return answer


_NAMES = {"call": "name", "as": "caller"}


def _fill(value: Any, kept: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        return {name: _fill(each, kept) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_fill(each, kept) for each in value]
    if not isinstance(value, str):
        return value
    whole = _KEPT.fullmatch(value)
    # Alone it stays what it is, a number for one.
    return kept[whole[1]] if whole else _KEPT.sub(lambda name: str(kept[name[1]]), value)


def _find(answer: Any, way: str) -> Any:
    """Returns what is at a way such as `sessions.0.name`."""
    for step in way.split("."):
        answer = answer[int(step) if isinstance(answer, list) else step]
    return answer
