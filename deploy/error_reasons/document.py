"""Writes docs/api-errors.md, the page that errors link to: `python -m deploy.error_reasons.document`."""

from __future__ import annotations

import json

from grpc import StatusCode

from deploy.error_reasons.examples import EXAMPLES
from deploy.local.layout import ROOT
from gateway.canonical_errors import Body, anchor_of, bad_request, error_body, error_info, help_link
from gateway.error_reasons import Reason, read_reasons
from gateway.settings import GatewaySettings

PAGE = ROOT / "docs" / "api-errors.md"
CONTRACTS = ROOT / "generated" / "practice.binpb"

_HEAD = """# Reasons of errors

<!-- Made from the contract by `python -m deploy.error_reasons.document`; a test compares. Do not edit. -->

For app developers. After it you can act on any refusal by its reason.

Every error has one of these reasons: in the header `x-practice-reason`, and under `/v1` and `/admin/v1` in
its first detail, where `metadata` has what a program needs. Its last detail links here. The HTTP statuses
are those of `/v1` and `/admin/v1`; products answer the same reasons with the statuses and bodies of their
documents ([errors.md](errors.md)). Reasons are stable, messages are not.

"""


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
    reasons = read_reasons(CONTRACTS)
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
