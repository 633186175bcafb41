"""Schemas of messages, as the gateway writes and reads them in JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from buf.validate import validate_pb2
from google.api import field_behavior_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto
from practice.http.v1 import json_pb2

from gateway.openapi.contracts import Contracts, Enum, Field, Message

Schema = dict[str, Any]

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

    def sent(self, message: str) -> Schema:
        """Returns the schema of a message that a client sends."""
        self._use(message, self._sent)
        return self.of(message)

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

    def field(self, field: Field, *, sent: bool) -> Schema:
        """Returns the schema of a field with its comment and its rules."""
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
        behaviors = field.option(field_behavior_pb2.field_behavior)
        told: Schema = {"description": field.comment} if field.comment else {}
        if field_behavior_pb2.OUTPUT_ONLY in behaviors:
            told["readOnly"] = True
        if field_behavior_pb2.INPUT_ONLY in behaviors:
            told["writeOnly"] = True
        if field.descriptor.options.deprecated:
            told["deprecated"] = True
        return {**schema, **told}

    def _message_schema(self, message: Message) -> Schema:
        sent = message.name in self._sent
        properties = {field.name: self.field(field, sent=sent) for field in message.fields}
        required = [
            field.name for field in message.fields if (is_required(field) if sent else not field.has_presence)
        ]
        schema: Schema = {"type": "object", "properties": properties}
        if message.comment:
            schema["description"] = message.comment
        if required:
            schema["required"] = required
        return schema

    def _single(self, field: Field, rules: Any, *, sent: bool) -> Schema:
        kind = field.descriptor.type
        if field.type_name:
            return self._values(field.option(json_pb2.values)) or self.of(field.type_name)
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
        told: Schema = {"type": types[0] if len(types) == 1 else types}
        if types == ["object"]:
            told["additionalProperties"] = True
        if values.items:
            told["items"] = {"type": values.items}
        if not values.message:
            return told
        return {"oneOf": [self.of(values.message), *([told] if types else [])]}

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


def is_required(field: Field) -> bool:
    """Tells whether a request has to have the field."""
    behaviors = field.option(field_behavior_pb2.field_behavior)
    return field_behavior_pb2.REQUIRED in behaviors or bool(field.option(validate_pb2.field).required)


def _enum_schema(enum: Enum) -> Schema:
    values = "\n".join(f"- `{name}`: {comment}" for name, comment in enum.values.items() if comment)
    told = "\n\n".join(filter(None, (enum.comment, values)))
    return {"type": "string", "enum": list(enum.values), **({"description": told} if told else {})}


def _list_bounds(rules: Any) -> Schema:
    bounds = {"minItems": rules.min_items, "maxItems": rules.max_items, "uniqueItems": rules.unique}
    return {name: bound for name, bound in bounds.items() if bound}


def _text_bounds(rules: Any) -> Schema:
    if not rules:
        return {}
    text = rules.string
    told: Schema = {"minLength": text.min_len, "maxLength": text.max_len, "pattern": text.pattern}
    if text.uuid:
        told["format"] = "uuid"
    if getattr(text, "in"):
        told["enum"] = list(getattr(text, "in"))
    if text.HasField("const"):
        told["const"] = text.const
    return {name: bound for name, bound in told.items() if bound}


def _number_bounds(rules: Any) -> Schema:
    names = {"gte": "minimum", "gt": "exclusiveMinimum", "lte": "maximum", "lt": "exclusiveMaximum"}
    return {told: getattr(rules, name) for name, told in names.items() if rules.HasField(name)}
