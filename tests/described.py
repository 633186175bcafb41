"""Answers of the gateway beside their description: one that has a field or a status too many fails.

`watch` is a response hook of every client of the end-to-end tests.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any, NamedTuple

import httpx
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from gateway.openapi.__main__ import CONTRACTS, VERSION
from gateway.openapi.documents import DOCUMENTS, describe
from gateway.openapi.live import NAME as LIVE
from gateway.openapi.live import describe_live

_JSON = "application/json"
_LINES = "application/x-ndjson"
EVENTS = "text/event-stream"
_VARIABLE = re.compile(r"\\\{[^}]*\\\}")
_FIRST_REFUSAL = 400
# What is not served at this listener, or not by this verb, no operation tells of.
_OF_NO_METHOD = ("PATH_NOT_FOUND", "METHOD_NOT_ALLOWED")


class Described(NamedTuple):
    """An operation, and the document that it is in."""

    document: str
    path: str
    operation: dict[str, Any]


class _Route(NamedTuple):
    verb: str
    pattern: re.Pattern[str]
    described: Described


class Event(NamedTuple):
    """A server-sent event."""

    id: str
    name: str
    data: str


def read_events(text: str) -> list[Event]:
    """Returns the events of the pieces of a stream that are whole."""
    pieces = (
        dict(line.split(": ", 1) for line in piece.split("\n") if ": " in line)
        for piece in text.split("\n\n")[:-1]
    )
    return [Event(each.get("id", ""), each["event"], each["data"]) for each in pieces if "data" in each]


@cache
def document(name: str) -> dict[str, Any]:
    """Returns a document, made once."""
    if name == LIVE:
        return describe_live(CONTRACTS, VERSION)
    described = next(each for each in DOCUMENTS if each.name == name)
    return describe(CONTRACTS, described, VERSION)


@cache
def _routes() -> list[_Route]:
    found = []
    for each in DOCUMENTS:
        for path, verbs in document(each.name)["paths"].items():
            pattern = re.compile(_VARIABLE.sub("[^/:]+", re.escape(path)))
            for verb, operation in verbs.items():
                found.append(_Route(verb, pattern, Described(each.name, path, operation)))
    # Of two that match, the one with fewer variables is meant.
    return sorted(found, key=lambda route: route.described.path.count("{"))


def find(verb: str, path: str) -> Described | None:
    """Returns what describes a call; None of what no document has."""
    path = path.rstrip("/") or "/"
    return next(
        (
            route.described
            for route in _routes()
            if route.verb == verb.lower() and route.pattern.fullmatch(path)
        ),
        None,
    )


def check(response: httpx.Response) -> None:
    """Asserts that an answer is as its document says. What no document has is nobody's."""
    described = find(response.request.method, response.request.url.path)
    reason = response.headers.get("x-practice-reason", "")
    if described is None or reason in _OF_NO_METHOD:
        return
    responses = described.operation["responses"]
    status = str(response.status_code)
    told = responses.get(status)
    where = f"{described.document}: {response.request.method} {described.path} {status} {reason}".rstrip()
    assert told is not None, f"{where} is not described"
    if int(status) >= _FIRST_REFUSAL:
        reasons = told["headers"]["x-practice-reason"]["schema"]["enum"]
        assert reason in reasons, f"{where} is not described, but {', '.join(reasons)}"
    content = told.get("content", {})
    kind = response.headers.get("content-type", "").partition(";")[0]
    if not response.content:
        return
    assert kind in content, (
        f"{where} is {kind or 'of no type'}, described is {', '.join(content) or 'nothing'}"
    )
    if kind not in (_JSON, _LINES, EVENTS):
        return
    texts = response.text.splitlines() if kind == _LINES else [response.text]
    if kind == EVENTS:
        # What an event has is what a line has, but for the last.
        kind, texts = _LINES, [each.data for each in read_events(texts[0]) if each.name != "end"]
    validator = _validator(described.document, described.path, response.request.method.lower(), status, kind)
    for text in texts:
        faults = [
            f"{fault.json_path}: {fault.message[:300]}" for fault in validator.iter_errors(json.loads(text))
        ]
        assert not faults, f"{where} is not as described:\n" + "\n".join(faults[:10])


def check_message(channel: str, name: str, payload: Any) -> None:
    """Asserts that what was told on a channel is as the description of live events says."""
    messages = document(LIVE)["channels"][channel]["messages"]
    assert name in messages, f"{LIVE}: {channel} {name} is not described, but {', '.join(messages)}"
    faults = [
        f"{fault.json_path}: {fault.message[:300]}"
        for fault in _message_validator(channel, name).iter_errors(payload)
    ]
    assert not faults, f"{LIVE}: {channel} {name} is not as described:\n" + "\n".join(faults[:10])


@cache
def _message_validator(channel: str, name: str) -> Draft202012Validator:
    payload = document(LIVE)["components"]["messages"][f"{channel}.{name}"]["payload"]
    return Draft202012Validator(
        _closed(_in_document(LIVE, payload)), registry=_registry(LIVE), format_checker=FormatChecker()
    )


def watch(response: httpx.Response) -> None:
    """Checks an answer that is read already or can be; a stream that goes on is not waited for."""
    if "content-length" in response.headers:
        response.read()
        check(response)


@cache
def _validator(name: str, path: str, verb: str, status: str, kind: str) -> Draft202012Validator:
    responses = document(name)["paths"][path][verb]["responses"]
    schema = responses[status]["content"][kind]["schema"]
    return Draft202012Validator(
        _in_document(name, schema), registry=_registry(name), format_checker=FormatChecker()
    )


def _in_document(name: str, schema: Any) -> Any:
    """Returns a schema whose references lead into the document."""
    if isinstance(schema, dict):
        return {
            key: f"{name}{value}" if key == "$ref" else _in_document(name, value)
            for key, value in schema.items()
        }
    return [_in_document(name, each) for each in schema] if isinstance(schema, list) else schema


@cache
def _registry(name: str) -> Registry[Any]:
    return Registry().with_resource(
        name, Resource(contents=_closed(_in_document(name, document(name))), specification=DRAFT202012)
    )


def _closed(schema: Any) -> Any:
    """Returns schemas whose objects have no other members than those described."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if closed.get("type") == "object" and isinstance(closed.get("properties"), dict):
        closed.setdefault("additionalProperties", False)
    return closed
