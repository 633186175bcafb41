"""The description of the REST APIs: whole, valid, and with words for everything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway import contracts
from gateway.openapi.__main__ import CONTRACTS
from gateway.openapi.documents import DOCUMENTS
from gateway.openapi.operations import Path
from tests.described import document

NAMES = [described.name for described in DOCUMENTS]
PUBLIC = [name for name in NAMES if name != "operators"]


def operations(name: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, verbs in document(name)["paths"].items():
        for verb, operation in verbs.items():
            yield path, verb, operation


@pytest.mark.parametrize("name", NAMES)
def test_a_document_is_valid(name: str) -> None:
    OpenAPIV31SpecValidator(document(name)).validate()


@pytest.mark.parametrize(
    ("names", "methods"),
    [
        pytest.param(PUBLIC, contracts.public_methods(CONTRACTS), id="public"),
        pytest.param(["operators"], contracts.operator_methods(CONTRACTS), id="operators"),
    ],
)
def test_every_path_of_the_gateway_is_described_once(
    names: list[str], methods: list[contracts.Method]
) -> None:
    served = [
        (binding.verb.lower(), Path.of(binding.path).template)
        for method in methods
        for binding in method.bindings
    ]
    described = [(verb, path) for name in names for path, verb, _ in operations(name)]
    assert sorted(described) == sorted(served)


@pytest.mark.parametrize("name", NAMES)
def test_everything_has_words(name: str) -> None:
    found = document(name)
    silent = [
        f"{schema}.{field}"
        for schema, told in found["components"]["schemas"].items()
        if schema != "Error"
        for field, about in told.get("properties", {}).items()
        if not about.get("description")
    ]
    silent += [f"{verb} {path}" for path, verb, operation in operations(name) if not operation["summary"]]
    silent += [
        f"{verb} {path} {parameter['name']}"
        for path, verb, operation in operations(name)
        for parameter in operation.get("parameters", ())
        if "$ref" not in parameter and not parameter["description"]
    ]
    assert silent == []


@pytest.mark.parametrize("name", NAMES)
def test_operations_have_names_of_their_own(name: str) -> None:
    named = [operation["operationId"] for _, _, operation in operations(name)]
    assert sorted(set(named)) == sorted(named)


def test_an_operation_tells_what_it_takes_and_how_it_fails() -> None:
    answer = document("exercises")["paths"]["/exercises/submit"]["post"]
    body = answer["requestBody"]["content"]["application/json"]["schema"]
    schema = document("exercises")["components"]["schemas"][body["$ref"].rpartition("/")[2]]
    assert schema["required"] == ["exercise_id", "user_answer"]
    assert schema["properties"]["user_answer"]["maxLength"] == 1000
    assert schema["properties"]["time_taken"]["minimum"] == 0
    assert answer["responses"]["401"]["headers"]["x-practice-reason"]["schema"]["enum"] == ["TOKEN_INVALID"]


def test_a_resource_is_a_variable_of_its_own_name() -> None:
    path = Path.of("/v1/{name=sessions/*}/draft")
    assert (path.template, dict(path.fields)) == ("/v1/sessions/{session}/draft", {"session": "name"})
    assert Path.of("/v1/{name=activities/*}").template == "/v1/activities/{activity}"
    assert Path.of("/portal/sessions/{session_id}").template == "/portal/sessions/{session_id}"


def test_a_watch_is_answered_by_lines_or_by_events() -> None:
    found = document("canonical")
    for path in ("/v1/sessions/{session}:watch", "/v1/me:watch"):
        watch = found["paths"][path]["get"]
        content = watch["responses"]["200"]["content"]
        assert set(content) == {"application/x-ndjson", "text/event-stream"}
        assert "Last-Event-ID" in content["text/event-stream"]["schema"]["description"]
        assert {"$ref": "#/components/parameters/LastEventId"} in watch["parameters"]
    lists = found["paths"]["/v1/sessions"]["get"]
    assert {"$ref": "#/components/parameters/LastEventId"} not in lists["parameters"]
    assert "LastEventId" not in document("yoga")["components"]["parameters"]
