"""The description of the REST APIs: whole, valid, and with words for everything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway import contracts
from gateway.openapi.__main__ import CONTRACTS
from gateway.openapi.documents import DOCUMENTS, TAGS, methods_of
from gateway.openapi.operations import Path
from tests.described import document

NAMES = [described.name for described in DOCUMENTS]
PUBLIC = [name for name in NAMES if name != "operators"]


def operations(name: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, verbs in document(name)["paths"].items():
        for verb, operation in verbs.items():
            yield path, verb, operation


def descriptions(part: Any) -> Iterator[str]:
    """Yields what readers are told."""
    if isinstance(part, dict):
        yield from (part[key] for key in ("description", "summary") if isinstance(part.get(key), str))
        for key, each in part.items():
            if key != "examples":
                yield from descriptions(each)
    elif isinstance(part, list):
        for each in part:
            yield from descriptions(each)


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


@pytest.mark.parametrize("name", NAMES)
def test_a_summary_is_a_short_line(name: str) -> None:
    long = {path: told["summary"] for path, _, told in operations(name) if len(told["summary"]) > 90}
    assert long == {}


@pytest.mark.parametrize("name", NAMES)
def test_readers_are_told_nothing_of_how_it_is_made(name: str) -> None:
    made = re.compile(r"\b(protobuf|servicer|RPC|double|int64|metadata|[A-Z]\w+Service|docs/\w+\.md)\b")
    told = [text for text in descriptions(document(name)) if made.search(text)]
    assert told == []


@pytest.mark.parametrize("name", NAMES)
def test_operations_are_in_parts_with_words_in_the_order_of_reading(name: str) -> None:
    tags = [tag["name"] for tag in document(name)["tags"]]
    assert all(tag["description"] for tag in document(name)["tags"])
    assert {tag for _, _, told in operations(name) for tag in told["tags"]} == set(tags)
    described = next(each for each in DOCUMENTS if each.name == name)
    services = {method.service.rpartition(".")[2] for method in methods_of(CONTRACTS, described)}
    assert tags == list(dict.fromkeys(tag for service, tag in TAGS.items() if service in services))


def test_operations_are_named_as_methods_of_a_client() -> None:
    named = [told["operationId"] for name in NAMES for _, _, told in operations(name)]
    assert [each for each in named if not re.fullmatch(r"[a-z]+(?:[A-Z][a-z0-9]*)*", each)] == []
    boards = [told["operationId"] for path, _, told in operations("canonical") if "/leaderboards/" in path]
    assert boards == ["getLeaderboard", "getLeaderboardWithoutStartDate"]


def test_numbers_of_products_are_numbers_and_those_of_64_bits_text_elsewhere() -> None:
    schemas = document("focus")["components"]["schemas"]
    assert schemas["Session"]["properties"]["id"]["type"] == "integer"
    schemas = document("canonical")["components"]["schemas"]
    assert schemas["Account"]["properties"]["user_id"]["type"] == "string"


def test_a_body_has_no_field_of_the_path() -> None:
    pause = document("focus")["components"]["schemas"]["PauseSessionRequest"]
    assert sorted(pause["properties"]) == ["elapsed_seconds", "status"]
    assert pause["required"] == ["elapsed_seconds"]


def test_of_several_ways_to_say_it_a_body_takes_exactly_one() -> None:
    find = document("operators")["components"]["schemas"]["FindAccountRequest"]
    assert find["oneOf"] == [{"required": ["email"]}, {"required": ["user_id"]}]
    assert document("operators")["paths"]["/admin/v1/accounts:find"]["post"]["requestBody"]["required"]


def test_headers_are_told_where_they_come() -> None:
    paths = document("design")["paths"]
    save = paths["/design/sessions/{session_id}/autosave"]["put"]
    taken = [each["$ref"].rpartition("/")[2] for each in save["parameters"] if "$ref" in each]
    assert taken == ["IdempotencyKey", "IfMatch", "TimeZone"]
    answered = ["etag", "x-practice-user-seq", "x-request-id", "x-time-zone-ignored"]
    assert sorted(save["responses"]["200"]["headers"]) == answered
    waits = ["ratelimit", "ratelimit-policy", "retry-after"]
    assert sorted(save["responses"]["429"]["headers"].keys() & set(waits)) == waits
    assert "www-authenticate" in save["responses"]["401"]["headers"]
    assert "etag" not in paths["/design/problems/{problem_id}"]["get"]["responses"]["200"]["headers"]


def test_an_error_of_the_canonical_api_says_what_its_details_are() -> None:
    schemas = document("canonical")["components"]["schemas"]
    details = schemas["Error"]["properties"]["error"]["properties"]["details"]
    named = [each["$ref"].rpartition("/")[2] for each in details["items"]["oneOf"]]
    assert named == ["ErrorInfo", "BadRequest", "Help"]
    assert set(named) <= schemas.keys()


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
