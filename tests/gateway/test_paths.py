"""Which paths there are, with which methods and queries: held for every binding of the contracts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.contracts import Binding, Method, operator_methods, public_methods
from gateway.paths import STRICT_PREFIXES, path_table, query_rule
from gateway.settings import ROOT
from tests.canonical_errors import error_of, reason_of
from tests.gateway.edge import Edge
from tests.gateway.upstream import Call
from tests.tokens import TestTokens

CONTRACTS = ROOT / "generated" / "practice.binpb"
PUBLIC, OPERATORS = public_methods(CONTRACTS), operator_methods(CONTRACTS)
TOKEN = {"x-practice-internal": "a token for the services to judge"}
SHAPES = {
    "exercises": {"detail"},
    "portal": {"error", "message"},
    "yoga": {"detail"},
    "focus": {"success", "message", "data"},
    "design": {"detail"},
    "canonical": {"error"},
}
VARIABLE = re.compile(r"\{([^=}]+)(?:=([^}]*))?\}")


def messages() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    for file in FileDescriptorSet.FromString(CONTRACTS.read_bytes()).file:
        pool.Add(file)
    return pool


POOL = messages()


def request_of(method: Method) -> Descriptor:
    return POOL.FindMessageTypeByName(method.request)


def bindings() -> list[tuple[Method, Binding]]:
    return [(method, binding) for method in (*PUBLIC, *OPERATORS) for binding in method.bindings]


def filled(path: str) -> str:
    """Returns a path of a template: 7 for each variable."""
    return VARIABLE.sub(lambda variable: (variable[2] or "*").replace("*", "7"), path)


def product_of(path: str) -> str:
    first = path.removeprefix("/api").split("/")[1]
    return first if first in SHAPES else "canonical"


def camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


def percented(name: str) -> str:
    return f"%{ord(name[0]):02X}{name[1:]}"


def send(edge: Edge, method: Method, verb: str, path: str, **options: Any) -> httpx.Response:
    """Calls the listener that a method is at, as somebody who may."""
    if method in OPERATORS:
        return edge.operators.request(verb, path, headers=TOKEN, **options)
    return edge.call(verb, path, **options)


def assert_refused(response: httpx.Response, path: str, names: str) -> None:
    product = product_of(path)
    assert response.status_code == (422 if product in ("yoga", "design") else 400), response.text
    assert response.headers["x-practice-reason"] == "REQUEST_MALFORMED"
    assert response.json().keys() == SHAPES[product]
    assert names in response.text


def said_by_the_path(binding: Binding) -> Iterator[str]:
    for variable in VARIABLE.finditer(binding.path):
        yield variable[1]


@pytest.mark.parametrize(("method", "binding"), bindings(), ids=lambda each: getattr(each, "path", ""))
def test_no_query_says_what_the_path_or_the_body_says(
    edge: Edge, calls: list[Call], method: Method, binding: Binding
) -> None:
    body_fields = [each.name for each in request_of(method).fields] if binding.body == "*" else [binding.body]
    taken = [*said_by_the_path(binding), *filter(None, body_fields)]
    path = filled(binding.path)
    options = {"content": b"{}"} if binding.body else {}
    # A product ignores what it does not know, whatever comes after it.
    ignored = "" if path.startswith(STRICT_PREFIXES) else "a.b=c&"
    for name in taken:
        for spelling in {name, camel(name), percented(name), f"{name}.name", name.split(".")[0]}:
            response = send(edge, method, binding.verb, f"{path}?{ignored}{spelling}=8", **options)
            assert_refused(response, path, "is said by the path or the body, never by the query")
    assert not calls


@pytest.mark.parametrize(("method", "binding"), bindings(), ids=lambda each: getattr(each, "path", ""))
def test_an_unknown_parameter_is_refused_but_by_products(
    edge: Edge, calls: list[Call], method: Method, binding: Binding
) -> None:
    path = filled(binding.path)
    options = {"content": b"{}"} if binding.body else {}
    for query in ("produkt=focus", "produkt", "%70rodukt=focus", "=1"):
        response = send(edge, method, binding.verb, f"{path}?{query}", **options)
        if path.startswith(STRICT_PREFIXES):
            assert_refused(response, path, "no such field")
        else:
            assert "no such field" not in response.text
    if path.startswith(STRICT_PREFIXES):
        assert not calls


@pytest.mark.parametrize(
    ("verb", "path", "query", "told"),
    [
        ("GET", "/v1/exercises", "language=fr", "the query may have page_size, page_token, difficulty"),
        ("GET", "/v1/sessions/5", "view=full", "this call takes no query parameters"),
        ("GET", "/v1/standing", "product", "product: has no value"),
        ("GET", "/v1/sessions", "a%22b%5C%0Alt=1", "a?b??lt: no such field"),
    ],
)
def test_what_is_refused_is_named_with_what_there_is(
    edge: Edge, verb: str, path: str, query: str, told: str
) -> None:
    response = edge.call(verb, f"{path}?{query}")
    assert (response.status_code, reason_of(response)) == (400, "REQUEST_MALFORMED")
    assert told in error_of(response)["message"]


def test_what_is_known_passes_in_both_spellings(edge: Edge, calls: list[Call]) -> None:
    for query in ("page_size=3&product=focus", "pageSize=3&product=focus&", "&page_size=3&&product=focus"):
        assert edge.call("GET", f"/v1/sessions?{query}").status_code == 200
    assert {(call.request.page_size, call.request.product) for call in calls} == {(3, "focus")}


def test_a_product_shows_where_the_fault_is(edge: Edge) -> None:
    response = edge.call("PUT", "/design/problems/5?problem_id=6", json={})
    words = "is said by the path or the body, never by the query"
    assert response.json() == {
        "detail": [{"loc": ["query", "problem_id"], "msg": words, "type": "value_error"}]
    }


@pytest.mark.parametrize(("method", "binding"), bindings(), ids=lambda each: getattr(each, "path", ""))
def test_a_method_that_a_path_does_not_take_is_a_405_that_names_those_it_takes(
    edge: Edge, calls: list[Call], method: Method, binding: Binding
) -> None:
    path = filled(binding.path)
    response = send(edge, method, "TRACE", path)
    assert (response.status_code, response.headers["x-practice-reason"]) == (405, "METHOD_NOT_ALLOWED")
    assert response.json().keys() == SHAPES[product_of(path)]
    assert {binding.verb, "OPTIONS"} <= set(response.headers["allow"].split(", "))
    assert not calls


def test_every_method_of_a_path_is_named_and_no_other(
    edge: Edge, calls: list[Call], tokens: TestTokens
) -> None:
    for client in (edge.call, edge.http.request):
        head = client("HEAD", "/focus/api/v1/sessions/")
        assert (head.status_code, head.headers["allow"]) == (405, "GET, POST, OPTIONS")
        asked = client("OPTIONS", "/v1/sessions/5/note")
        assert (asked.status_code, asked.headers["allow"], asked.content) == (204, "PUT, OPTIONS", b"")
        root = client("POST", "/health")
        assert (root.status_code, root.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    known = edge.operators.get("/admin/v1/badges:load", headers=TOKEN)
    assert (known.status_code, known.headers["allow"]) == (405, "POST, OPTIONS")
    hidden = edge.operators.get("/admin/v1/badges:load")
    assert (hidden.status_code, "allow" in hidden.headers) == (401, False)
    assert not calls


def test_a_path_of_any_length_stops_the_rendering() -> None:
    method = Method("practice.x.v1.X/Get", False, "google.protobuf.Empty", (Binding("GET", "/x/{path=**}"),))
    with pytest.raises(ValueError, match="any length"):
        path_table([method], CONTRACTS)


def test_a_nested_variable_takes_itself_and_leaves_its_neighbours() -> None:
    request = POOL.FindMessageTypeByName("practice.session.v1.UpdateSubmissionRequest")
    rule = query_rule(Binding("PATCH", "/v1/{submission.name=submissions/*}"), request)
    assert rule["taken"] == ["submission.name"]
    assert "submission.name" not in rule["known"]
    assert {"update_mask", "updateMask", "request_id"} <= rule["known"].keys()
