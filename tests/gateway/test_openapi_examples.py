"""Every call that is described has an example, and every example is of a call that there is."""

from __future__ import annotations

import pytest

from gateway.openapi.__main__ import CONTRACTS
from gateway.openapi.documents import DOCUMENTS, Described, without_example
from gateway.openapi.examples import DIRECTORY, read_calls
from tests.described import document


@pytest.mark.parametrize("described", DOCUMENTS, ids=lambda described: described.name)
def test_every_operation_has_an_example(described: Described) -> None:
    assert without_example(CONTRACTS, described) == []


@pytest.mark.parametrize("described", DOCUMENTS, ids=lambda described: described.name)
def test_every_example_is_of_an_operation(described: Described) -> None:
    operations = {
        operation["operationId"]
        for verbs in document(described.name)["paths"].values()
        for operation in verbs.values()
    }
    assert {call.operation for call in read_calls(described.name)} - operations == set()


def test_every_document_has_examples() -> None:
    assert {each.name for each in DOCUMENTS} == {file.stem for file in DIRECTORY.glob("*.yaml")}
