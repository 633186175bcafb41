"""Writes docs/api-errors.md, the page that errors link to: `python -m deploy.error_reasons.document`.

What a reason means is said once, in the comments of error_reason.proto; the
descriptor set has them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.descriptor_pb2 import EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet
from grpc import StatusCode

from deploy.error_reasons.examples import EXAMPLES
from deploy.local.layout import ROOT
from gateway.canonical_errors import Body, anchor_of, bad_request, error_body, error_info, help_link
from gateway.refusals import MALFORMED, REFUSALS
from gateway.settings import GatewaySettings

PAGE = ROOT / "docs" / "api-errors.md"
CONTRACTS = ROOT / "generated" / "practice.binpb"
_FILE = "practice/errors/v1/error_reason.proto"
_PREFIX = "ERROR_REASON_"
# Where descriptors keep the comment on a value of the file's first enum (descriptor.proto).
_VALUES_OF_FIRST_ENUM = [5, 0, 2]

# The transcoder's own: google/rpc/code.proto.
HTTP_STATUSES = {
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

_HEAD = """# Reasons of errors

<!-- Made from the contract by `python -m deploy.error_reasons.document`; a test compares. Do not edit. -->

Every error has one of these reasons: in the header `x-practice-reason`, and under `/v1` and `/admin/v1` in
its first detail, where `metadata` has what a program needs. Its last detail links here. The HTTP statuses
are those of `/v1` and `/admin/v1`; products answer the same reasons with the statuses and bodies of their
documents ([errors.md](errors.md)). Reasons are stable, messages are not.

"""


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
        return sorted(at_the_edge or {HTTP_STATUSES[self.code]})

    @property
    def metadata(self) -> list[str]:
        """The names that the metadata of such an error has."""
        _, _, told = self.meaning.partition("Metadata: ")
        return re.findall(r"`(\w+)`", told.partition(", one of ")[0])


def read_reasons(contracts: Path = CONTRACTS) -> list[Reason]:
    """Returns the reasons of the contract in its order, without the one that is never sent."""
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


def example_of(reason: Reason) -> Body:
    """Returns the body of an error with the reason."""
    example = EXAMPLES[reason.name]
    details = [error_info(reason.name, example.metadata)]
    if reason.name == "FIELD_INVALID":
        field, _, words = example.message.partition(": ")
        details.append(bad_request({field: words}))
    default = GatewaySettings.model_fields["gateway_errors_url"].default
    details.append(help_link(str(default), anchor_of(reason.name)))
    return error_body(reason.statuses[0], example.message, StatusCode[reason.code], details)


def page() -> str:
    """Returns the text of docs/api-errors.md."""
    reasons = read_reasons()
    sent = [each for each in reasons if not each.is_deprecated]
    rows = "".join(f"{_row(each)}\n" for each in sent)
    table = f"| reason | HTTP | gRPC |\n| --- | --- | --- |\n{rows}"
    retired = "".join(_section(each) for each in reasons if each.is_deprecated)
    return f"{_HEAD}{table}\n{''.join(map(_section, sent))}## Never sent\n\n{retired}".rstrip() + "\n"


def _row(reason: Reason) -> str:
    statuses = ", ".join(map(str, reason.statuses))
    return f"| [`{reason.name}`](#{anchor_of(reason.name)}) | {statuses} | `{reason.code}` |"


def _section(reason: Reason) -> str:
    meaning = f"{reason.meaning[0].upper()}{reason.meaning[1:]}"
    if reason.is_deprecated:
        return f"### {reason.name}\n\n{meaning}\n\n"
    statuses = " or ".join(map(str, reason.statuses))
    example = _to_json(example_of(reason))
    return f"### {reason.name}\n\n{statuses} `{reason.code}`. {meaning}\n\n```json\n{example}\n```\n\n"


def _to_json(body: Body) -> str:
    """Returns an error as JSON with a line for each detail."""
    head, _, _ = json.dumps(body).partition('"details": [')
    details = ",\n".join(f"  {json.dumps(each)}" for each in body["error"]["details"])
    return f'{head}"details": [\n{details}\n]}}}}'


def main() -> None:
    """Writes the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
