"""The description of live events, AsyncAPI 3.0: the portal's WebSocket and server-sent events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from google.api import annotations_pb2

from gateway.openapi.contracts import Contracts, Rpc
from gateway.openapi.documents import introduction, read_contracts
from gateway.openapi.operations import Path as RestPath
from gateway.openapi.schemas import Schemas
from gateway.openapi.words import Schema, description_of, operation_name, summary_of, without_subject

Document = dict[str, Any]

NAME = "live"
# What a listener of the portal is told, by its `type`.
PORTAL_EVENTS: Mapping[str, str] = {
    "progress_update": "practice.products.portal.v1.ProgressUpdate",
    "time_update": "practice.products.portal.v1.TimeUpdate",
    "session_complete": "practice.products.portal.v1.SessionComplete",
}
PORTAL_CHANNEL = "portalSession"
# A method of this ending streams as server-sent events what the one without it streams.
_AS_EVENTS = "AsEvents"
_KIND = "kind"
_UNSPECIFIED = "_UNSPECIFIED"
_SECURITY = [{"$ref": "#/components/securitySchemes/AccessToken"}]
_HOST = "127.0.0.1:8080"


def describe_live(contracts: Path, version: str) -> Document:
    """Returns the document. Raises OSError without the descriptor set."""
    known = read_contracts(contracts)
    live = _Live(known)
    live.add_portal()
    for name in known.methods:
        if name.endswith(_AS_EVENTS):
            live.add_events(known.methods[name.removesuffix(_AS_EVENTS)], known.methods[name])
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Live events",
            "version": version,
            "description": introduction(NAME),
            "license": {"name": "Apache 2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
            "externalDocs": {
                "url": f"http://{_HOST}/docs/",
                "description": "Guides, and the documents of the REST APIs.",
            },
        },
        "defaultContentType": "application/json",
        "servers": {
            "webSocket": {
                "host": _HOST,
                "protocol": "ws",
                "description": "The stack that `make up` starts; `wss` behind TLS.",
                "security": _SECURITY,
            },
            "events": {
                "host": _HOST,
                "protocol": "http",
                "description": "The same for server-sent events; `https` behind TLS.",
                "security": _SECURITY,
            },
        },
        **live.parts(),
    }


class _Live:
    """The channels, operations, messages and schemas of the document, as they are added."""

    def __init__(self, known: Contracts) -> None:
        self._known = known
        self._schemas = Schemas(known, lambda name: "".join(_capitalised(name)))
        self._methods = frozenset(name.partition("/")[2] for name in known.methods)
        self._channels: dict[str, Schema] = {}
        self._operations: dict[str, Schema] = {}
        self._messages: dict[str, Schema] = {}

    def parts(self) -> Document:
        """Returns what was added."""
        return {
            "channels": self._channels,
            "operations": self._operations,
            "components": {
                "messages": self._messages,
                "schemas": self._schemas.components(),
                "securitySchemes": {"AccessToken": _ACCESS_TOKEN},
            },
        }

    def add_portal(self) -> None:
        """Adds what the bridge tells by WebSocket."""
        messages = {}
        for event, name in PORTAL_EVENTS.items():
            told = without_subject(self._known.messages[name].comment, name)
            payload = {
                "type": "object",
                "properties": {
                    "type": {"const": event, "description": "Which event this is."},
                    "data": self._schemas.answered(name),
                },
                "required": ["type", "data"],
            }
            messages[event] = {"name": event, "title": event, "summary": told, "payload": payload}
        channel = {
            "address": "/portal/ws/sessions/{session_id}",
            "title": "A session of the portal",
            "description": introduction("portal_channel"),
            "servers": [{"$ref": "#/servers/webSocket"}],
            "parameters": {"session_id": {"description": "The session's id."}},
            "bindings": {"ws": {"method": "GET", "headers": _HANDSHAKE, "bindingVersion": "0.1.0"}},
        }
        self._add(
            PORTAL_CHANNEL, channel, messages, "Tells a listener what happens in a session of the portal"
        )

    def add_events(self, watch: Rpc, events: Rpc) -> None:
        """Adds the server-sent events of a watch."""
        path = RestPath.of(watch.descriptor.options.Extensions[annotations_pb2.http].get)
        schema = self._schemas.answered(watch.response)
        messages = {kind: _event(kind, told, schema) for kind, told in self._kinds(watch.response)}
        messages["end"] = _END
        channel: Schema = {
            "address": path.template,
            "title": summary_of(watch.comment),
            "description": description_of(events.comment, self._methods),
            "servers": [{"$ref": "#/servers/events"}],
        }
        if path.fields:
            channel["parameters"] = {
                variable: {"description": f"The {variable}'s number."} for variable in path.fields
            }
        binding = {"http": {"method": "GET", "bindingVersion": "0.3.0"}}
        name = operation_name(watch.name.partition("/")[2])
        self._add(name, channel, messages, summary_of(watch.comment), bindings=binding)

    def _add(
        self, name: str, channel: Schema, messages: Mapping[str, Schema], summary: str, **rest: Any
    ) -> None:
        self._messages.update({f"{name}.{event}": message for event, message in messages.items()})
        self._channels[name] = {
            **channel,
            "messages": {event: {"$ref": f"#/components/messages/{name}.{event}"} for event in messages},
        }
        self._operations[name] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{name}"},
            "summary": f"{summary}.",
            "messages": [{"$ref": f"#/channels/{name}/messages/{event}"} for event in messages],
            **rest,
        }

    def _kinds(self, message: str) -> Iterator[tuple[str, str]]:
        """Yields the names of a change's events, with what they mean: the values of its kind."""
        field = next(each for each in self._known.messages[message].fields if each.name == _KIND)
        for value, told in self._known.enums[field.type_name].values.items():
            if not value.endswith(_UNSPECIFIED):
                yield value.partition("_")[2].lower(), told


def _event(kind: str, told: str, payload: Schema) -> Schema:
    return {
        "name": kind,
        "title": kind,
        "summary": told,
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "description": "The fields of the event beside `data`.",
            "properties": {
                "event": {"const": kind, "description": "Which event this is."},
                "id": {
                    "type": "string",
                    "pattern": "^[0-9]+$",
                    "description": "The `cursor` of `data`: sent as `Last-Event-ID`, it goes on after it.",
                },
            },
            "required": ["event", "id"],
        },
        "payload": payload,
    }


def _capitalised(name: str) -> Iterator[str]:
    """Yields what a full name is written with: the parts that are names of messages and enums."""
    for part in name.split("."):
        if part[0].isupper():
            yield part


_HANDSHAKE: Schema = {
    "type": "object",
    "properties": {
        "authorization": {"type": "string", "description": "`Bearer` and the access token."},
        "sec-websocket-protocol": {
            "type": "string",
            "description": "`bearer, TOKEN`, where the header above cannot be set.",
        },
    },
}
_END: Schema = {
    "name": "end",
    "title": "end",
    "summary": "The last event: why there are no more. A stream that breaks off comes without.",
    "contentType": "application/json",
    "headers": {
        "type": "object",
        "properties": {"event": {"const": "end", "description": "Which event this is."}},
        "required": ["event"],
    },
    "payload": {
        "type": "object",
        "properties": {
            "reason": {
                "type": "string",
                "description": "Why, for programs: `SESSION_ENDED`, or an error such as `TOKEN_INVALID`.",
            },
            "message": {"type": "string", "description": "The same for people; it may change."},
        },
        "required": ["reason", "message"],
    },
}
_ACCESS_TOKEN: Schema = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "The `access_token` that a log-in answers: `POST /v1/accounts:logIn`.",
}
