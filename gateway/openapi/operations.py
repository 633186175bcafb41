"""Operations: what each method takes and answers by HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from practice.http.v1 import json_pb2

from gateway import contracts as edge
from gateway.openapi.contracts import Contracts, Field, Rpc
from gateway.openapi.errors import ErrorShape
from gateway.openapi.examples import Example
from gateway.openapi.schemas import Schemas, is_required, is_well_known
from gateway.openapi.words import Schema, description_of, operation_name, summary_of

Operation = dict[str, Any]

_VARIABLE = re.compile(r"\{([^}=]+)(?:=([^}]*))?\}")
_WORD = re.compile(r"[A-Za-z]+")
_JSON = "application/json"
_EVENTS = "text/event-stream"
# The field that makes a mutation safe to send again; the header is for those without it.
_REQUEST_ID = "request_id"
_NO_CONTENT = 204
_SUCCESSES = {
    200: "Done.",
    201: "Done: it was made.",
    202: "Taken: it is done later.",
    204: "Done; there is nothing to tell.",
}
_FIRST_REFUSAL = 400


# Headers of answers, by the names of their descriptions.
_HEADERS = {
    "RequestId": "x-request-id",
    "UserSeq": "x-practice-user-seq",
    "TimeZoneIgnored": "x-time-zone-ignored",
    "ETag": "etag",
}
# A message says so where it comes with its ETag; a method where it takes one.
_SAYS_ETAG, _SAYS_IF_MATCH = "`ETag`", "`If-Match`"


@dataclass(frozen=True, slots=True)
class Path:
    """A path as OpenAPI writes it, with the field of each of its variables and what precedes its value."""

    template: str
    fields: Mapping[str, str]

    @classmethod
    def of(cls, template: str) -> Path:
        """Returns the path of a binding: `/v1/{name=sessions/*}` is `/v1/sessions/{session}`."""
        fields: dict[str, str] = {}

        def write(variable: re.Match[str]) -> str:
            field, pattern = variable[1], variable[2]
            if not pattern or "*" not in pattern:
                name = field.rpartition(".")[2]
                fields[name] = field
                return f"{{{name}}}"
            segments = pattern.split("/")
            for place, segment in enumerate(segments):
                if segment in ("*", "**"):
                    name = _singular(segments[place - 1]) if place else field.rpartition(".")[2]
                    fields[name] = field
                    segments[place] = f"{{{name}}}"
            return "/".join(segments)

        return cls(_VARIABLE.sub(write, template), fields)


class Operations:
    """Makes operations of one document."""

    def __init__(
        self,
        contracts: Contracts,
        schemas: Schemas,
        errors: ErrorShape,
        examples: Mapping[str, Sequence[Example]],
        *,
        tag: Callable[[str], str],
        events: Mapping[str, Rpc],
    ) -> None:
        """`examples` are those of each operation, by its name; `tag` names a service to readers.

        `events` are the methods that answer as server-sent events, by the paths at which they are called.
        """
        self._contracts = contracts
        self._schemas = schemas
        self._errors = errors
        self._examples = examples
        self._events = events
        self._tag = tag
        self._methods = frozenset(name.partition("/")[2] for name in contracts.methods)

    def of(self, method: edge.Method) -> Iterator[tuple[str, str, Operation]]:
        """Yields the path, the verb and the operation of each binding of a method."""
        rpc = self._contracts.methods[method.name]
        first = method.bindings[0].path
        for binding in method.bindings:
            path = Path.of(binding.path)
            yield path.template, binding.verb.lower(), self._operation(rpc, binding, path, first)

    def _operation(self, rpc: Rpc, binding: edge.Binding, path: Path, first: str) -> Operation:
        fields = {field.name: field for field in self._contracts.messages[rpc.request].fields}
        named = frozenset(path.fields.values())
        name = operation_name(rpc.name.partition("/")[2])
        examples = self._examples.get(name, ())
        description = description_of(rpc.comment, self._methods)
        if binding.path != first:
            description += f"\n\nThe same as `{name}`, by another path."
        operation: Operation = {
            "operationId": name + _difference(binding.path, first),
            "tags": [self._tag(rpc.service)],
            "summary": summary_of(description),
            "description": description,
        }
        parameters = [
            *(
                self._path_parameter(variable, self._field(rpc.request, field))
                for variable, field in path.fields.items()
            ),
            *self._query(binding, fields, named),
            *_headers(rpc, binding, fields),
            *([{"$ref": "#/components/parameters/LastEventId"}] if binding.path in self._events else []),
        ]
        if parameters:
            operation["parameters"] = parameters
        body = self._body(rpc, binding, fields, named)
        if body is not None:
            operation["requestBody"] = body
        operation["responses"] = {**self._success(rpc, binding, examples), **self._errors.responses(rpc)}
        _show(operation, examples)
        if rpc.name in edge.OPEN_METHODS:
            operation["security"] = []
        return operation

    def _path_parameter(self, variable: str, field: Field) -> Schema:
        if variable == field.name:
            schema = self._schemas.field(field, sent=True)
            told = schema.pop("description", "")
        else:
            # The rest of a resource's name, without its collection.
            numbered = "{number}" in field.comment
            schema = {"type": "string", "pattern": "^[0-9]+$" if numbered else "^[A-Za-z0-9_-]+$"}
            told = f"The {variable}'s {'number' if numbered else 'id'}."
        return {"name": variable, "in": "path", "required": True, "description": told, "schema": schema}

    def _field(self, message: str, way: str) -> Field:
        """Returns the field of a message that a way such as `streak.product` leads to."""
        name, _, rest = way.partition(".")
        field = next(each for each in self._contracts.messages[message].fields if each.name == name)
        return self._field(field.type_name, rest) if rest else field

    def _query(
        self, binding: edge.Binding, fields: Mapping[str, Field], named: frozenset[str]
    ) -> Iterator[Schema]:
        if binding.body == "*":
            return
        for name, field in fields.items():
            if name != binding.body:
                yield from self._query_parameters(field, name, named)

    def _query_parameters(self, field: Field, way: str, named: frozenset[str]) -> Iterator[Schema]:
        """Yields a field's parameter; those of the fields of a message, such as `streak.product`."""
        if way in named:
            return
        message = self._contracts.messages.get(field.type_name)
        if message is not None and not is_well_known(message.name):
            for each in message.fields:
                yield from self._query_parameters(each, f"{way}.{each.name}", named)
            return
        if field.type_name:
            self._schemas.sent(field.type_name)
        schema = self._schemas.field(field, sent=True)
        told = schema.pop("description", "")
        yield {
            "name": way,
            "in": "query",
            "required": "." not in way and is_required(field),
            "description": told,
            "schema": schema,
        }

    def _body(
        self, rpc: Rpc, binding: edge.Binding, fields: Mapping[str, Field], named: frozenset[str]
    ) -> Schema | None:
        if not binding.body:
            return None
        if binding.body != "*":
            field, bodies = fields[binding.body], _bodies(rpc)
            schema = self._schemas.sent(bodies.request or field.type_name)
            kinds = filter(None, (_JSON, bodies.request_media_type))
            content = {kind: {"schema": schema} for kind in kinds}
            return {"required": True, "description": field.comment, "content": content}
        rest = [field for name, field in fields.items() if name not in named]
        if not rest:
            # A body is taken and says nothing.
            return {"content": {_JSON: {"schema": {"type": "object"}}}}
        required = any(is_required(field) for field in rest) or self._contracts.messages[rpc.request].one_of
        schema = self._schemas.body(rpc.request, named)
        return {"required": bool(required), "content": {_JSON: {"schema": schema}}}

    def _success(self, rpc: Rpc, binding: edge.Binding, examples: Sequence[Example]) -> Schema:
        """Returns the answers of a call that was done, by the statuses that its examples have."""
        statuses = sorted({example.status for example in examples if example.status < _FIRST_REFUSAL}) or [
            200
        ]
        answers: Schema = {}
        for status in statuses:
            answer: Schema = {"description": _SUCCESSES[status], "headers": self._answered_headers(rpc)}
            if status != _NO_CONTENT:
                answer["content"] = {**self._content(rpc), **self._content_of_events(binding)}
            answers[str(status)] = answer
        return answers

    def _content(self, rpc: Rpc) -> Schema:
        bodies = _bodies(rpc)
        if bodies.media_type:
            return {bodies.media_type: {"schema": {"type": "string", "format": "binary"}}}
        message = bodies.response.removesuffix("[]")
        schema = self._schemas.answered(message or rpc.response)
        if message != bodies.response:
            schema = {"type": "array", "items": schema}
        if bodies.nullable:
            schema = {"oneOf": [schema, {"type": "null"}]}
        lines = rpc.streaming and not message
        return {"application/x-ndjson" if lines else _JSON: {"schema": schema}}

    def _content_of_events(self, binding: edge.Binding) -> Schema:
        events = self._events.get(binding.path)
        if events is None:
            return {}
        return {
            _EVENTS: {
                "schema": {"type": "string", "description": description_of(events.comment, self._methods)}
            }
        }

    def _answered_headers(self, rpc: Rpc) -> Schema:
        """Returns the headers of an answer: those of each, and what some have besides."""
        names = ["RequestId"]
        if not rpc.only_reads:
            names.append("UserSeq")
        if rpc.name not in edge.OPEN_METHODS:
            names.append("TimeZoneIgnored")
        answered = self._contracts.messages.get(_bodies(rpc).response)
        if answered and any(_SAYS_ETAG in field.comment for field in answered.fields):
            names.append("ETag")
        return {_HEADERS[name]: {"$ref": f"#/components/headers/{name}"} for name in names}


def _difference(path: str, first: str) -> str:
    """Returns as a name what a path has beside the first path of its method, or what it has not."""
    mine, known = _WORD.findall(path), _WORD.findall(first)
    added = [word.capitalize() for word in mine if word not in known]
    missing = [word.capitalize() for word in known if word not in mine]
    return "".join(added or (["Without", *missing] if missing else []))


def _show(operation: Operation, examples: Sequence[Example]) -> None:
    """Puts examples where they belong: parameters, the body of the request, the answer of their status."""
    parameters = {each["name"]: each for each in operation.get("parameters", ()) if "name" in each}
    for example in filter(lambda example: example.answered, examples):
        in_path = {name: str(value) for name, value in example.path.items()}
        for name, value in {**in_path, **example.query}.items():
            if example.status < _FIRST_REFUSAL and name in parameters:
                parameters[name].setdefault("examples", {})[example.key] = {"value": value}
        summary = {"summary": example.name}
        if example.status < _FIRST_REFUSAL and example.body is not None:
            _put(operation["requestBody"], example.key, {**summary, "value": example.body})
        response = operation["responses"].get(str(example.status))
        if response is not None and "content" in response and example.answer is not None:
            _put(response, example.key, {**summary, "value": example.answer})


def _put(told: Schema, key: str, example: Schema) -> None:
    # A text is the beginning of a stream of events, where there is one.
    kinds = told["content"].keys() & ({_EVENTS} if isinstance(example["value"], str) else set())
    # Of this operation alone, where contents are shared.
    told["content"] = {
        kind: {**content, "examples": {**content.get("examples", {}), key: example}}
        if not kinds or kind in kinds
        else content
        for kind, content in told["content"].items()
    }


def _bodies(rpc: Rpc) -> json_pb2.Bodies:
    """Returns what its bodies look like where its messages do not tell."""
    told: json_pb2.Bodies = rpc.descriptor.options.Extensions[json_pb2.bodies]
    return told


def _headers(rpc: Rpc, binding: edge.Binding, fields: Mapping[str, Field]) -> Sequence[Schema]:
    names = []
    if binding.verb != "GET" and _REQUEST_ID not in fields:
        names.append("IdempotencyKey")
    if _SAYS_IF_MATCH in rpc.comment:
        names.append("IfMatch")
    names.append("TimeZone")
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def _singular(collection: str) -> str:
    return f"{collection[:-3]}y" if collection.endswith("ies") else collection.removesuffix("s")
