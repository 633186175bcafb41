"""Why a call can be refused, as the contract explains it.

What a reason means is said once, in the comments of error_reason.proto; the
descriptor set has them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.descriptor_pb2 import EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet

from gateway.refusals import MALFORMED, REFUSALS

_FILE = "practice/errors/v1/error_reason.proto"
_PREFIX = "ERROR_REASON_"
# Where descriptors keep the comment on a value of the file's first enum (descriptor.proto).
_VALUES_OF_FIRST_ENUM = [5, 0, 2]

# The transcoder's own: google/rpc/code.proto.
_HTTP_STATUSES = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
}


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason as its contract explains it; `code` is the name of the gRPC status it comes with."""

    name: str
    code: str
    meaning: str
    is_deprecated: bool

    @property
    def statuses(self) -> list[int]:
        """The HTTP statuses under `/v1`, the usual one first."""
        at_the_edge = {each.status for each in (MALFORMED, *REFUSALS) if each.reason == self.name}
        return sorted(at_the_edge or {_HTTP_STATUSES[self.code]})

    @property
    def metadata(self) -> list[str]:
        """The names that the metadata of such an error has."""
        _, _, told = self.meaning.partition("Metadata: ")
        return re.findall(r"`(\w+)`", told.partition(", one of ")[0])


def read_reasons(contracts: Path) -> list[Reason]:
    """Returns the reasons of the contract in its order, without the one that is never sent.

    Raises OSError without the descriptor set.
    """
    files = FileDescriptorSet.FromString(contracts.read_bytes()).file
    (file,) = [each for each in files if each.name == _FILE]
    comments = _comments(file)
    (enum,) = file.enum_type
    return [_reason(enum, number, comments[number]) for number in range(1, len(enum.value))]


def _comments(file: FileDescriptorProto) -> dict[int, str]:
    """Returns the comments on the values of the file's enum, each in one line, by the values' places."""
    return {
        location.path[-1]: " ".join(location.leading_comments.split())
        for location in file.source_code_info.location
        if list(location.path[:-1]) == _VALUES_OF_FIRST_ENUM
    }


def _reason(enum: EnumDescriptorProto, place: int, comment: str) -> Reason:
    value = enum.value[place]
    code, _, meaning = comment.partition(": ")
    return Reason(value.name.removeprefix(_PREFIX), code, meaning, value.options.deprecated)
