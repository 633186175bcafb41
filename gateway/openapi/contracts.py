"""The contracts with their comments: what a message, a field or a method is called, is made of, and says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from buf.validate import validate_pb2
from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)

# Where descriptor.proto keeps messages, enums and services of a file, fields and messages of a message.
_MESSAGES, _ENUMS, _SERVICES = 4, 5, 6
_FIELDS, _NESTED, _NESTED_ENUMS = 2, 3, 4
_METHODS, _VALUES = 2, 2


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message, with its comment."""

    descriptor: FieldDescriptorProto
    comment: str

    @property
    def name(self) -> str:
        """Its name, which is its name in JSON as well."""
        return self.descriptor.name

    @property
    def type_name(self) -> str:
        """The full name of its message or enum; empty for other types."""
        return self.descriptor.type_name.removeprefix(".")

    @property
    def repeated(self) -> bool:
        """Whether it is a list, or a map."""
        return self.descriptor.label == FieldDescriptorProto.LABEL_REPEATED

    @property
    def has_presence(self) -> bool:
        """Whether it can be absent: where it is, the transcoder prints nothing."""
        is_message = self.descriptor.type == FieldDescriptorProto.TYPE_MESSAGE
        return not self.repeated and (is_message or self.descriptor.HasField("oneof_index"))

    def option(self, extension: Any) -> Any:
        """Returns the value of an option."""
        return self.descriptor.options.Extensions[extension]


@dataclass(frozen=True, slots=True)
class Message:
    """A message with its comment; `entry` when it stands for the entries of a map.

    `one_of` are the fields of which exactly one has to be given, if there are such.
    """

    name: str
    comment: str
    fields: tuple[Field, ...]
    entry: bool
    one_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Enum:
    """An enum with its comment and those of its values, by name, in order."""

    name: str
    comment: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Rpc:
    """A method: `name` is `package.Service/Method`, request and response the full names of its messages."""

    name: str
    comment: str
    request: str
    response: str
    streaming: bool
    descriptor: MethodDescriptorProto

    @property
    def only_reads(self) -> bool:
        """Whether it is a GET."""
        return bool(self.descriptor.options.Extensions[annotations_pb2.http].WhichOneof("pattern") == "get")

    @property
    def service(self) -> str:
        """The full name of its service."""
        return self.name.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Contracts:
    """All messages, enums, methods and comments of services, by full name."""

    messages: Mapping[str, Message]
    enums: Mapping[str, Enum]
    methods: Mapping[str, Rpc]
    services: Mapping[str, str]

    @classmethod
    def read(cls, descriptor_set: Path) -> Contracts:
        """Returns what a descriptor set with source information has. Raises OSError without the file."""
        messages: dict[str, Message] = {}
        enums: dict[str, Enum] = {}
        methods: dict[str, Rpc] = {}
        services: dict[str, str] = {}
        for file in FileDescriptorSet.FromString(descriptor_set.read_bytes()).file:
            source = _Source(file)
            messages.update((each.name, each) for each in source.messages())
            enums.update((each.name, each) for each in source.enums())
            methods.update((each.name, each) for each in source.methods())
            services.update(source.services())
        return cls(messages, enums, methods, services)


class _Source:
    """A file with its comments by their place."""

    def __init__(self, file: FileDescriptorProto) -> None:
        self._file = file
        self._comments = {
            tuple(location.path): _unwrap(location.leading_comments)
            for location in file.source_code_info.location
            if location.leading_comments
        }

    def messages(self) -> Iterator[Message]:
        """Yields the messages, nested ones after theirs."""
        for number, each in enumerate(self._file.message_type):
            yield from self._message(each, self._file.package, (_MESSAGES, number))

    def enums(self) -> Iterator[Enum]:
        """Yields the enums."""
        for number, each in enumerate(self._file.enum_type):
            yield self._enum(each, self._file.package, (_ENUMS, number))
        for number, message in enumerate(self._file.message_type):
            for nested, each in enumerate(message.enum_type):
                name = f"{self._file.package}.{message.name}"
                yield self._enum(each, name, (_MESSAGES, number, _NESTED_ENUMS, nested))

    def methods(self) -> Iterator[Rpc]:
        """Yields the methods."""
        for number, service in enumerate(self._file.service):
            for place, method in enumerate(service.method):
                yield Rpc(
                    f"{self._file.package}.{service.name}/{method.name}",
                    self._comment(_SERVICES, number, _METHODS, place),
                    method.input_type.removeprefix("."),
                    method.output_type.removeprefix("."),
                    method.server_streaming,
                    method,
                )

    def services(self) -> Iterator[tuple[str, str]]:
        """Yields the names of the services with their comments."""
        for number, service in enumerate(self._file.service):
            yield f"{self._file.package}.{service.name}", self._comment(_SERVICES, number)

    def _message(self, each: DescriptorProto, scope: str, place: tuple[int, ...]) -> Iterator[Message]:
        name = f"{scope}.{each.name}"
        fields = tuple(
            Field(field, self._comment(*place, _FIELDS, number)) for number, field in enumerate(each.field)
        )
        yield Message(name, self._comment(*place), fields, each.options.map_entry, _one_of(each))
        for number, nested in enumerate(each.nested_type):
            yield from self._message(nested, name, (*place, _NESTED, number))

    def _enum(self, each: EnumDescriptorProto, scope: str, place: tuple[int, ...]) -> Enum:
        values = {
            value.name: self._comment(*place, _VALUES, number) for number, value in enumerate(each.value)
        }
        return Enum(f"{scope}.{each.name}", self._comment(*place), values)

    def _comment(self, *place: int) -> str:
        return self._comments.get(place, "")


def _one_of(message: DescriptorProto) -> tuple[str, ...]:
    """Returns the fields of the oneof that has to be given; messages have one at most."""
    required = {
        number
        for number, each in enumerate(message.oneof_decl)
        if each.options.Extensions[validate_pb2.oneof].required
    }
    return tuple(
        field.name
        for field in message.field
        if field.HasField("oneof_index") and field.oneof_index in required
    )


def _unwrap(comment: str) -> str:
    """Returns a comment with a line for each paragraph."""
    lines = (line.strip() for line in comment.strip().splitlines())
    paragraphs: list[list[str]] = [[]]
    for line in lines:
        if line:
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    return "\n\n".join(" ".join(each) for each in paragraphs if each)
