"""Collections for Bruno: the calls of each document's story, as plain text that people open and run.

A collection is a folder: a request for each call in the order of the story, with the path and
the words of its operation, and an environment with what only its user knows. What a call is
answered is kept for later ones, as `examples/NAME.yaml` says.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from gateway.openapi.examples import Example, read_answers, read_calls

ENVIRONMENT = "local"
ADDRESS, OPERATORS_ADDRESS = "http://127.0.0.1:8080", "http://127.0.0.1:9902"

_ANA, _NOBODY = "ana", "nobody"
_OPERATORS = "operators"
_SAID = re.compile(r"\$\{([a-z_0-9]+)\}")
_EVENTS = "text/event-stream"
_FORM = "application/x-www-form-urlencoded"
# What is known of whoever calls, as an account's name and one of these.
_OF_CALLERS = re.compile(r"(ana|bea|cleo)_(token|id|email|password)")
_SECRETS = ("token", "password")
# What the first call of a story makes up, in JavaScript.
_HELPERS = """\
const digit = () => Math.floor(Math.random() * 16).toString(16);
const hex = (digits) => Array.from({length: digits}, digit).join("");
const uuid = () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`;
const instant = (minutes) => new Date(Date.now() + minutes * 60000).toISOString().replace(/\\.\\d+Z$/, "Z");
const date = (days) => instant(days * 1440).slice(0, 10);
const uuid7 = (minutes) => {
  const time = (Date.now() + minutes * 60000).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(3)}-a${hex(3)}-${hex(12)}`;
};"""
_FRESH = {
    "fresh_email": "`new.${hex(12)}@example.com`",
    "fresh_password": "hex(32)",
    "fresh_id": "uuid()",
    "fresh_alias": "`Owl ${hex(8)}`",
    "fresh_badge": "`ten-drills-${hex(8)}`",
    "device_id": "uuid7(-30)",
    "an_hour_ago": "instant(-60)",
    "half_an_hour_ago": "instant(-30)",
    "yesterday": "date(-1)",
    "in_two_days": "date(2)",
    "in_four_days": "date(4)",
}


class _Operation(NamedTuple):
    """Where an operation is, and what it does."""

    verb: str
    path: str
    description: str


class _Story(NamedTuple):
    """The calls of a document, and which of what they say is known from where."""

    calls: Sequence[Example]
    said: frozenset[str]
    numbers: frozenset[str]

    @classmethod
    def read(cls, name: str) -> _Story:
        """Reads a document's story. Raises LookupError of what a call says and nothing tells."""
        # Bruno waits for the end of an answer, which events may not have.
        calls = [call for call in read_calls(name) if call.headers.get("accept") != _EVENTS]
        said = frozenset(each for call in calls for each in call.names())
        known = {*_FRESH, *(each for call in calls for each in _kept_by(call, said))}
        for each in sorted(said - known):
            if not _OF_CALLERS.fullmatch(each):
                raise LookupError(f"{name} says {each}, which nothing tells")
        numbers = {
            each
            for answer in read_answers(name).values()
            for each, value in answer["kept"].items()
            if isinstance(value, int)
        }
        return cls(calls, said, frozenset(numbers))

    def asked(self) -> list[str]:
        """Returns what only whoever sends the calls can know."""
        callers = {call.caller for call in self.calls} - {_ANA, _NOBODY}
        known = {each for each in self.said if _OF_CALLERS.fullmatch(each)}
        return sorted(known | {f"{caller}_token" for caller in callers})


def write_collection(name: str, document: Mapping[str, Any], directory: Path) -> None:
    """Writes a document's collection into a folder of its name, in place of one that is there."""
    folder = directory / name
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "environments").mkdir(parents=True)
    story = _Story.read(name)
    title = document["info"]["title"]
    about = {"version": "1", "name": title, "type": "collection", "ignore": ["node_modules", ".git"]}
    (folder / "bruno.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    files = {
        "collection": _collection(name, document),
        f"environments/{ENVIRONMENT}": _environment(name, story),
    }
    operations = _operations(document)
    for place, call in enumerate(story.calls, 1):
        told = _request(name, call, place, operations[call.operation], story)
        files[f"{place:03}-{call.key}"] = told
    for file, blocks in files.items():
        (folder / f"{file}.bru").write_text("\n".join(blocks), encoding="utf-8")


def _operations(document: Mapping[str, Any]) -> dict[str, _Operation]:
    return {
        told["operationId"]: _Operation(verb, path, told["description"])
        for path, verbs in document["paths"].items()
        for verb, told in verbs.items()
    }


def _collection(name: str, document: Mapping[str, Any]) -> list[str]:
    blocks = [_block("meta", [f"name: {document['info']['title']}"])]
    if name != _OPERATORS:
        blocks += [_block("auth", ["mode: bearer"]), _block("auth:bearer", ["token: {{token}}"])]
    token = "the platform's internal token" if name == _OPERATORS else "an access token"
    told = (
        f"{document['info']['description']}\n\n"
        f"The requests are one story: send them in their order, with {token} as `token` of the environment "
        f"`{ENVIRONMENT}`. Made from the description of the API; changes here are lost when it is made again."
    )
    return [*blocks, _block("docs", told.splitlines())]


def _environment(name: str, story: _Story) -> list[str]:
    address = OPERATORS_ADDRESS if name == _OPERATORS else ADDRESS
    asked = story.asked()
    secret = ["token", *(each for each in asked if each.endswith(_SECRETS))]
    plain = [f"{each}: " for each in asked if each not in secret]
    return [
        _block("vars", [f"baseUrl: {address}", *plain]),
        "vars:secret [\n" + ",\n".join(f"  {each}" for each in secret) + "\n]\n",
    ]


def _request(name: str, call: Example, place: int, operation: _Operation, story: _Story) -> list[str]:
    form = call.headers.get("content-type") == _FORM
    body = "none" if call.body is None else "formUrlEncoded" if form else "json"
    query = [(key, _to_text(value)) for key, value in call.query.items()]
    address = _address(operation.path, call, query)
    auth = _auth(name, call)
    blocks = [
        _block("meta", [f"name: {call.name}", "type: http", f"seq: {place}"]),
        _block(operation.verb, [f"url: {{{{baseUrl}}}}{address}", f"body: {body}", f"auth: {auth}"]),
    ]
    if query:
        blocks.append(_block("params:query", _pairs(query)))
    headers = {key: value for key, value in call.headers.items() if not form}
    if name == _OPERATORS and call.caller != _NOBODY:
        headers["x-practice-internal"] = "{{token}}"
    if headers:
        blocks.append(_block("headers", _pairs((key, _to_text(value)) for key, value in headers.items())))
    if auth == "bearer":
        blocks.append(_block("auth:bearer", [f"token: {{{{{call.caller}_token}}}}"]))
    if form:
        fields = ((key, _to_text(value)) for key, value in call.body.items())
        blocks.append(_block("body:form-urlencoded", _pairs(fields)))
    elif call.body is not None:
        blocks.append(_block("body:json", _json(call.body, story.numbers).splitlines()))
    fresh = sorted(story.said & _FRESH.keys())
    if place == 1 and fresh:
        made = [f'bru.setVar("{each}", {_FRESH[each]});' for each in fresh]
        blocks.append(_block("script:pre-request", [*_HELPERS.splitlines(), *made]))
    if kept := _kept_by(call, story.said):
        blocks.append(_block("vars:post-response", _pairs(kept.items())))
    blocks.append(_block("assert", [f"res.status: eq {call.status}"]))
    return [*blocks, _block("docs", operation.description.splitlines())]


def _auth(name: str, call: Example) -> str:
    if name == _OPERATORS or call.caller == _NOBODY:
        return "none"
    return "inherit" if call.caller == _ANA else "bearer"


def _address(template: str, call: Example, query: Sequence[tuple[str, str]]) -> str:
    path = template
    for variable, value in call.path.items():
        path = path.replace(f"{{{variable}}}", quote(_to_text(value), safe="{}"))
    return f"{path}?{urlencode(query, safe='{},', quote_via=quote)}" if query else path


def _kept_by(call: Example, said: Iterable[str]) -> dict[str, str]:
    """Returns what is kept of an answer for later calls, each with the expression that finds it."""
    found = {}
    for name, way in call.keep.items():
        steps = (f"[{step}]" if step.isdecimal() else f".{step}" for step in way.split("."))
        place = f"res.body{''.join(steps)}"
        found[name] = place
        # A resource's name is said in bodies, in paths what is behind its collection.
        found[f"{name}_id"] = f'{place}.split("/").pop()'
    return {name: place for name, place in found.items() if name in said}


def _json(body: Any, numbers: frozenset[str]) -> str:
    """Returns a body as JSON once Bruno has put what is known in its places."""
    text = json.dumps(body, indent=2, ensure_ascii=False)
    for name in numbers:
        text = text.replace(f'"${{{name}}}"', f"${{{name}}}")
    return _to_text(text)


def _to_text(value: Any) -> str:
    """Returns a value as text, with what is known named as Bruno does."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return _SAID.sub(r"{{\1}}", text)


def _pairs(pairs: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{key}: {value}" for key, value in pairs]


def _block(name: str, lines: Iterable[str]) -> str:
    """Returns a block of Bruno's language: no line of it begins where the block ends."""
    return f"{name} {{\n" + "".join(f"  {line}".rstrip() + "\n" for line in lines) + "}\n"
