"""Schemas of messages, as the gateway writes and reads them in JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from buf.validate import validate_pb2
from google.api import field_behavior_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto
from practice.http.v1 import json_pb2

from gateway.openapi.contracts import Contracts, Enum, Field, Message
from gateway.openapi.words import Schema, bounds_of, default_of, text_form, without_subject

_REFERENCE = "#/components/schemas/"
_Type = FieldDescriptorProto

_INT32 = {_Type.TYPE_INT32, _Type.TYPE_SINT32, _Type.TYPE_SFIXED32, _Type.TYPE_UINT32, _Type.TYPE_FIXED32}
_INT64 = {_Type.TYPE_INT64, _Type.TYPE_SINT64, _Type.TYPE_SFIXED64, _Type.TYPE_UINT64, _Type.TYPE_FIXED64}

_NUMBERS = {_Type.TYPE_DOUBLE, _Type.TYPE_FLOAT}
_PLAIN: Mapping[int, Schema] = {
    _Type.TYPE_BOOL: {"type": "boolean"},
    _Type.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
}

# Messages that JSON has a form of its own for.
_WELL_KNOWN: Mapping[str, Schema] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {
        "type": "string",
        "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$",
        "examples": ["90s"],
    },
    "google.protobuf.FieldMask": {"type": "string"},
    "google.protobuf.Struct": {"type": "object", "additionalProperties": True},
    "google.protobuf.ListValue": {"type": "array", "items": {}},
    "google.protobuf.Value": {},
    "google.protobuf.Empty": {"type": "object"},
    "google.protobuf.Any": {"type": "object", "additionalProperties": True},
    "google.protobuf.StringValue": {"type": ["string", "null"]},
    "google.protobuf.BoolValue": {"type": ["boolean", "null"]},
    "google.protobuf.DoubleValue": {"type": ["number", "null"]},
    "google.protobuf.Int32Value": {"type": ["integer", "null"], "format": "int32"},
    "google.protobuf.Int64Value": {"type": ["string", "null"], "format": "int64"},
    # What became of an item: the contract of others has no words for readers of ours.
    "google.rpc.Status": {
        "type": "object",
        "properties": {
            "code": {
                "type": "integer",
                "format": "int32",
                "description": "The number of gRPC's status.",
            },
            "message": {"type": "string", "description": "What went wrong, for people; it may change."},
            "details": {
                "type": "array",
                "description": "An ErrorInfo: `reason` says why, for programs.",
                "items": {"type": "object", "additionalProperties": True},
            },
        },
        "required": ["code", "message", "details"],
    },
    # A body of any kind, read and written as it is.
    "google.api.HttpBody": {"type": "object", "additionalProperties": True},
}


class Schemas:
    """The schemas that operations refer to, collected as they are asked for.

    A message that is sent says what it takes, one that is answered what is always there; a message that
    is both says the first.
    """

    def __init__(self, contracts: Contracts, name: Callable[[str], str]) -> None:
        """`name` gives a message's or an enum's name in the document."""
        self._contracts = contracts
        self._name = name
        self._sent: dict[str, None] = {}
        self._used: dict[str, None] = {}
        self._elsewhere: dict[str, frozenset[str]] = {}

    def sent(self, message: str) -> Schema:
        """Returns the schema of a message that a client sends."""
        self._use(message, self._sent)
        return self.of(message)

    def body(self, message: str, elsewhere: frozenset[str]) -> Schema:
        """Returns the schema of a request of which some fields are said elsewhere, in the path."""
        self._elsewhere[message] = elsewhere
        return self.sent(message)

    def answered(self, message: str) -> Schema:
        """Returns the schema of a message that a client gets."""
        self._use(message, self._used)
        return self.of(message)

    def of(self, message: str) -> Schema:
        """Returns the form of a message: its own, or a reference."""
        known = _WELL_KNOWN.get(message)
        return dict(known) if known is not None else {"$ref": f"{_REFERENCE}{self._name(message)}"}

    def components(self) -> dict[str, Schema]:
        """Returns every schema that is referred to, by its name in the document, in order."""
        found: dict[str, Schema] = {}
        for name in {**self._sent, **self._used}:
            enum = self._contracts.enums.get(name)
            found[self._name(name)] = (
                _enum_schema(enum) if enum else self._message_schema(self._contracts.messages[name])
            )
        return dict(sorted(found.items()))

    def field(self, field: Field, *, sent: bool, answered: bool = False) -> Schema:
        """Returns the schema of a field with its comment and its rules; it may be sent, answered or both."""
        rules = field.option(validate_pb2.field)
        if field.repeated:
            message = self._contracts.messages.get(field.type_name)
            if message is not None and message.entry:
                schema: Schema = {
                    "type": "object",
                    "additionalProperties": self._single(message.fields[1], None, sent=sent),
                }
            else:
                items = self._single(field, rules.repeated.items, sent=sent)
                schema = {"type": "array", "items": items, **_list_bounds(rules.repeated)}
        else:
            schema = self._single(field, rules, sent=sent)
            schema = self._with_words(schema, field, sent=sent, answered=answered)
        behaviors = field.option(field_behavior_pb2.field_behavior)
        about: Schema = {"description": field.comment} if field.comment else {}
        if field_behavior_pb2.OUTPUT_ONLY in behaviors:
            about["readOnly"] = True
        if field_behavior_pb2.INPUT_ONLY in behaviors:
            about["writeOnly"] = True
        if field.descriptor.options.deprecated:
            about["deprecated"] = True
        return {**schema, **about}

    def _with_words(self, schema: Schema, field: Field, *, sent: bool, answered: bool) -> Schema:
        """Returns a schema with the form, the bounds and the default that the field's comment says."""
        types = schema.get("type", ())
        types = {types} if isinstance(types, str) else set(types)
        told = dict(schema)
        if "string" in types and not types & {"integer", "object", "array"} and "format" not in schema:
            pattern = schema.get("pattern", "")
            form = text_form(field.name, field.comment, pattern, sent=sent and not answered)
            if form:
                told.pop("pattern", None)
                told.update(form)
        if not sent and types & {"integer", "number"} and "minimum" not in schema:
            told.update(bounds_of(field.comment))
        default = default_of(field.comment) if sent and not is_required(field) else None
        if isinstance(default, int):
            fits = bool(types & {"integer", "number"})
        else:
            fits = "string" in types and default in schema.get("enum", (default,))
        return {**told, "default": default} if fits and default is not None else told

    def _message_schema(self, message: Message) -> Schema:
        sent, answered = message.name in self._sent, message.name in self._used
        elsewhere = self._elsewhere.get(message.name, frozenset())
        fields = [field for field in message.fields if field.name not in elsewhere]
        schema: Schema = {
            "type": "object",
            "properties": {field.name: self.field(field, sent=sent, answered=answered) for field in fields},
        }
        if message.comment:
            schema["description"] = without_subject(message.comment, message.name)
        # What a request refuses empty, a change of a resource leaves out.
        asks = is_required if message.name.endswith("Request") else _says_required
        is_there = asks if sent else _is_always_there
        required = [field.name for field in fields if is_there(field)]
        if required:
            schema["required"] = required
        if message.one_of and sent:
            schema["oneOf"] = [{"required": [name]} for name in message.one_of]
        return schema

    def _single(self, field: Field, rules: Any, *, sent: bool) -> Schema:
        kind = field.descriptor.type
        known = self._values(field.option(json_pb2.values))
        if known or field.type_name:
            return known or self.of(field.type_name)
        if kind in _INT64:
            # JSON has no integers of 64 bits: they are answered as text, and taken as either.
            bounds = _number_bounds(rules.int64) if rules else {}
            return {"type": ["string", "integer"] if sent else "string", "format": "int64", **bounds}
        if kind in _INT32:
            return {"type": "integer", "format": "int32", **(_number_bounds(rules.int32) if rules else {})}
        if kind == _Type.TYPE_STRING:
            return {"type": "string", **_text_bounds(rules)}
        if kind in _NUMBERS:
            return {"type": "number", "format": "double", **(_number_bounds(rules.double) if rules else {})}
        return dict(_PLAIN[kind])

    def _values(self, values: json_pb2.Values) -> Schema:
        """Returns the schema of a field that may hold this and that; an empty one where nothing says so."""
        if not values.types and not values.message:
            return {}
        types = list(values.types)
        schema: Schema = {"type": types[0] if len(types) == 1 else types}
        if types[:1] == ["integer"] and "string" not in types:
            schema["format"] = "int64"
        if types == ["object"]:
            schema["additionalProperties"] = True
        if values.items:
            schema["items"] = {"type": values.items}
        if not values.message:
            return schema
        return {"oneOf": [self.of(values.message), *([schema] if types else [])]}

    def _use(self, name: str, into: dict[str, None]) -> None:
        if name in into or name in _WELL_KNOWN:
            return
        into[name] = None
        message = self._contracts.messages.get(name)
        for field in message.fields if message else ():
            self._use_type(field, into)

    def _use_type(self, field: Field, into: dict[str, None]) -> None:
        message = self._contracts.messages.get(field.type_name)
        if message is not None and message.entry:
            self._use_type(message.fields[1], into)
        elif field.type_name:
            self._use(field.option(json_pb2.values).message or field.type_name, into)


def is_well_known(message: str) -> bool:
    """Tells whether JSON has a form of its own for a message."""
    return message in _WELL_KNOWN


def _is_always_there(field: Field) -> bool:
    """Tells whether an answer always has the field: what may be null is there as well."""
    values = field.option(json_pb2.values)
    return not field.has_presence or values.always or "null" in values.types


def is_required(field: Field) -> bool:
    """Tells whether a request has to have the field: its contract says so, or refuses it empty."""
    rules = field.option(validate_pb2.field)
    if _says_required(field):
        return True
    if field.has_presence or rules.ignore:
        return False
    if field.repeated:
        return bool(rules.repeated.min_items)
    text = rules.string
    return bool(text.min_len or text.uuid or (text.pattern and not re.search(text.pattern, "")))


def _says_required(field: Field) -> bool:
    behaviors = field.option(field_behavior_pb2.field_behavior)
    return field_behavior_pb2.REQUIRED in behaviors or bool(field.option(validate_pb2.field).required)


def _enum_schema(enum: Enum) -> Schema:
    values = "\n".join(f"- `{name}`: {comment}" for name, comment in enum.values.items() if comment)
    words = "\n\n".join(filter(None, (without_subject(enum.comment, enum.name), values)))
    return {"type": "string", "enum": list(enum.values), **({"description": words} if words else {})}


def _list_bounds(rules: Any) -> Schema:
    bounds = {"minItems": rules.min_items, "maxItems": rules.max_items, "uniqueItems": rules.unique}
    return {name: bound for name, bound in bounds.items() if bound}


def _text_bounds(rules: Any) -> Schema:
    if not rules:
        return {}
    text = rules.string
    schema: Schema = {"minLength": text.min_len, "maxLength": text.max_len, "pattern": text.pattern}
    if text.uuid:
        schema["format"] = "uuid"
    if getattr(text, "in"):
        schema["enum"] = list(getattr(text, "in"))
    if text.HasField("const"):
        schema["const"] = text.const
    return {name: bound for name, bound in schema.items() if bound}


def _number_bounds(rules: Any) -> Schema:
    names = {"gte": "minimum", "gt": "exclusiveMinimum", "lte": "maximum", "lt": "exclusiveMaximum"}
    return {bound: getattr(rules, name) for name, bound in names.items() if rules.HasField(name)}
