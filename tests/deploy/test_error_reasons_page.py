"""docs/api-errors.md explains every reason of the contract, where errors link to."""

from __future__ import annotations

import json
import re

import pytest
from practice.errors.v1 import error_reason_pb2

from deploy.error_reasons import document
from deploy.error_reasons.examples import EXAMPLES
from gateway.error_reasons import Reason, read_reasons
from gateway.refusals import MALFORMED, REFUSALS
from tests.canonical_errors import read_error

REASONS = read_reasons(document.CONTRACTS)
SENT = [each for each in REASONS if not each.is_deprecated]


def test_the_page_is_what_the_contract_says() -> None:
    said = document.PAGE.read_text(encoding="utf-8")
    assert said == document.page(), "python -m deploy.error_reasons.document writes docs/api-errors.md anew"


def test_every_reason_has_a_heading_to_link_to() -> None:
    names = {name.removeprefix("ERROR_REASON_") for name in error_reason_pb2.ErrorReason.keys()}  # noqa: SIM118
    headings = re.findall(r"^### (\w+)$", document.page(), re.MULTILINE)
    assert sorted(headings) == sorted(names - {"UNSPECIFIED"})


@pytest.mark.parametrize("reason", SENT, ids=lambda reason: reason.name)
def test_every_example_is_an_error_with_the_metadata_that_the_contract_promises(reason: Reason) -> None:
    section = document.page().partition(f"### {reason.name}\n")[2].partition("\n### ")[0]
    (example,) = re.findall(r"```json\n(.*?)\n```", section, re.DOTALL)
    error = read_error(reason.statuses[0], json.loads(example))
    assert error["status"] == reason.code
    assert error["details"][0]["reason"] == reason.name
    assert list(error["details"][0]["metadata"]) == reason.metadata


def test_no_example_is_of_a_reason_that_there_is_not() -> None:
    assert EXAMPLES.keys() == {each.name for each in SENT}


def test_what_the_gateway_refuses_itself_has_the_code_of_the_contract_or_a_status_of_its_own() -> None:
    codes = {each.name: each.code for each in REASONS}
    # HTTP statuses that gRPC has no code for, or another one.
    of_http = {408, 415, 426, 501, 504}
    for refusal in (MALFORMED, *REFUSALS):
        if refusal.status not in of_http:
            assert refusal.code.name == codes[refusal.reason], refusal
