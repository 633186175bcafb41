"""What the design and yoga products ask of the gateway: forms, bodies of bytes, their own errors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.gateway.edge import Edge
from tests.gateway.upstream import Call

DESIGN_ID = "507f1f77bcf86cd799439012"
SESSIONS = "/design/sessions"


def detail_of(edge: Edge, verb: str, path: str, **options: Any) -> Any:
    response = edge.call(verb, path, **options)
    assert response.status_code == 422
    (detail,) = response.json()["detail"]
    assert detail["type"] == "value_error"
    return detail["loc"], detail["msg"]


@pytest.mark.parametrize(
    ("verb", "path", "server", "method"),
    [
        ("POST", "/design/users/signup", "identity", "DesignUsersService.SignUp"),
        ("GET", "/design/users/me", "identity", "DesignUsersService.GetMe"),
        ("GET", "/design/problems/", "catalog", "DesignProblemsService.ListProblems"),
        ("GET", "/design/problems/user/my-problems", "catalog", "DesignProblemsService.ListMyProblems"),
        ("GET", f"/design/problems/{DESIGN_ID}", "catalog", "DesignProblemsService.GetProblem"),
        ("POST", "/design/sessions/", "session", "DesignSessionsService.OpenSession"),
        ("GET", "/design/sessions/user/my-sessions", "session", "DesignSessionsService.ListMySessions"),
        ("GET", f"/design/sessions/{DESIGN_ID}", "session", "DesignSessionsService.GetSession"),
        ("GET", "/v1/problems/7", "catalog", "ProblemService.GetProblem"),
        ("POST", "/portal/api/v1/sessions/start", "session", "PortalService.StartSession"),
        ("GET", "/portal/api/v1/sessions/history", "session", "PortalService.ListHistory"),
        ("GET", "/yoga/api/v1/sessions/current", "session", "YogaService.GetCurrentSession"),
    ],
)
def test_a_call_reaches_its_method_at_its_service(
    edge: Edge, calls: list[Call], verb: str, path: str, server: str, method: str
) -> None:
    assert edge.call(verb, path, json=None if verb == "GET" else {}).status_code == 200
    assert [(call.server, call.method.split(".v1.")[1]) for call in calls] == [(server, method)]


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("POST", "/design/users/signup"),
        ("POST", "/design/users/login"),
        ("POST", "/design/users/refresh/"),
        ("GET", "/design/problems/?skip=0&limit=10"),
        ("GET", f"/design/problems/{DESIGN_ID}"),
        ("GET", "/design/problems/search/query?q=url+shortener"),
        ("GET", "/v1/problems"),
        ("GET", "/v1/problems/7"),
    ],
)
def test_signing_up_and_reading_problems_need_no_token(edge: Edge, verb: str, path: str) -> None:
    assert edge.http.request(verb, path, json={} if verb == "POST" else None).status_code == 200


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("POST", "/design/users/logout"),
        ("GET", "/design/users/me"),
        ("POST", "/design/problems/"),
        ("PUT", f"/design/problems/{DESIGN_ID}"),
        ("GET", "/design/problems/user/my-problems"),
        ("GET", f"/design/sessions/{DESIGN_ID}"),
        ("POST", "/v1/problems"),
        ("DELETE", "/v1/problems/7"),
    ],
)
def test_the_rest_does(edge: Edge, calls: list[Call], verb: str, path: str) -> None:
    assert edge.http.request(verb, path, json={} if verb == "POST" else None).status_code == 401
    assert not calls


@pytest.mark.parametrize("content", [b"username=a%40b.example&password=p+q%26", b'{"username": "a"}', b""])
@pytest.mark.parametrize("media_type", ["application/x-www-form-urlencoded", "application/json", ""])
def test_a_log_in_arrives_as_it_was_sent_with_its_media_type(
    edge: Edge, calls: list[Call], content: bytes, media_type: str
) -> None:
    headers = {"content-type": media_type} if media_type else {}
    response = edge.http.post("/design/users/login", content=content, headers=headers)
    assert (response.status_code, response.json()["access_token"]) == (200, content.decode())
    assert response.json()["expires_in"] == 86400
    assert (calls[0].request.form.data, calls[0].request.form.content_type) == (content, media_type)


def deep(levels: int) -> str:
    return '{"a":' * levels + "12345678901234567890.000" + "}" * levels


@pytest.mark.parametrize(
    "document",
    [deep(64), '{ "b" : 1e400,\n"a":1.0, "a":"\\u00e9é" }', "{" + '"x":"<>&"', "true"],
    ids=["deep", "odd", "broken", "true"],
)
def test_a_diagram_passes_both_ways_to_the_byte(edge: Edge, calls: list[Call], document: str) -> None:
    body = document.encode()
    response = edge.call("PUT", f"{SESSIONS}/{DESIGN_ID}/autosave", content=body)
    assert (response.status_code, response.content) == (200, body)
    assert response.headers["content-type"] == "application/json"
    assert (calls[0].request.session_id, calls[0].request.body.data) == (DESIGN_ID, body)


def test_two_mebibytes_pass_both_ways_and_three_are_too_large(edge: Edge, calls: list[Call]) -> None:
    path = f"{SESSIONS}/{DESIGN_ID}/autosave"
    body = json.dumps({"diagram_data": {"a": "x" * 2_100_000}}).encode()
    assert edge.call("PUT", path, content=body).content == body
    calls.clear()
    refused = edge.call("PUT", path, content=b"x" * 3_000_000)
    assert (refused.status_code, refused.json()) == (413, {"detail": "The request is too large"})
    assert not calls


def test_a_list_and_a_null_may_be_at_the_top(edge: Edge) -> None:
    listed = edge.call("GET", f"{SESSIONS}/user/my-sessions")
    first, *others = listed.json()
    assert (first["id"], first["ended_at"], len(first["text"])) == ("a", None, 3_000_000)
    assert others == [{"id": "b"}] * 2
    assert listed.headers["content-type"] == "application/json; charset=utf-8"
    nothing = edge.call("GET", f"{SESSIONS}/problem/{DESIGN_ID}")
    assert (nothing.content, nothing.headers["content-type"]) == (b"null", "application/json")


def test_no_content_has_no_body(edge: Edge) -> None:
    response = edge.call("DELETE", f"{SESSIONS}/{DESIGN_ID}", scenario="no_content")
    assert (response.status_code, response.content) == (204, b"")
    assert not {"content-length", "content-type"} & set(response.headers)


def test_a_created_body_of_bytes_is_a_201(edge: Edge) -> None:
    response = edge.call("PUT", f"{SESSIONS}/{DESIGN_ID}/autosave", scenario="created", content=b"{}")
    assert (response.status_code, response.content) == (201, b"{}")


def test_the_version_edited_goes_up_and_the_new_one_comes_down(edge: Edge, calls: list[Call]) -> None:
    path = f"{SESSIONS}/{DESIGN_ID}/autosave"
    headers = {"if-match": '"a1b2"'}
    saved = edge.call("PUT", path, scenario="with_etag", content=b"{}", headers=headers)
    assert (saved.status_code, saved.headers["etag"]) == (200, '"a1b2"')
    assert calls[0].metadata["if-match"] == '"a1b2"'
    stale = edge.call("PUT", path, scenario="precondition_failed", content=b"{}", headers=headers)
    assert (stale.status_code, stale.json()) == (412, {"detail": "Saved elsewhere since"})
    assert stale.headers["etag"] == '"newer"'
    large = edge.call("PUT", path, scenario="too_large", content=b"{}")
    assert (large.status_code, large.json()) == (413, {"detail": "The diagram is above 1 MiB"})


def test_a_browser_may_send_the_version_it_edited(edge: Edge) -> None:
    asked = {"origin": "https://app.example", "access-control-request-method": "PUT"}
    allowed = edge.http.options(f"{SESSIONS}/{DESIGN_ID}/autosave", headers=asked).headers
    assert "if-match" in allowed["access-control-allow-headers"]
    assert "PUT" in allowed["access-control-allow-methods"]


def test_wrong_credentials_say_which_scheme_is_wanted(edge: Edge) -> None:
    response = edge.http.post("/design/users/login", content=b"", headers={"x-scenario": "unauthenticated"})
    assert (response.status_code, response.json()) == (401, {"detail": "Invalid credentials"})
    assert response.headers["www-authenticate"] == "Bearer"


def test_a_value_of_a_wrong_type_is_a_422_that_leads_to_it(edge: Edge, calls: list[Call]) -> None:
    wrong = '"abc" is not a valid integer'
    assert detail_of(edge, "GET", "/design/problems?skip=0&limit=abc") == (["query", "limit"], wrong)
    assert detail_of(edge, "PUT", "/yoga/api/v1/sessions/abc/resume") == (["path", "session_id"], wrong)
    body = {"time_spent": "abc"}
    assert detail_of(edge, "PUT", f"{SESSIONS}/{DESIGN_ID}/pause?a=b", json=body) == (
        ["body", "time_spent"],
        wrong,
    )
    assert detail_of(edge, "POST", "/design/users/signup", json={"email": 5.5}) == (
        ["body", "email"],
        "5.5 is not a text",
    )
    assert not calls


def test_a_body_that_is_no_json_object_is_a_422_about_the_body(edge: Edge) -> None:
    path = "/design/users/signup"
    refused = (["body"], "The request body is not the JSON this call takes")
    assert detail_of(edge, "POST", path, content='{"a": ') == refused
    assert detail_of(edge, "POST", path, content="[1]") == refused
    # Too long to quote.
    assert detail_of(edge, "PUT", f"{SESSIONS}/a/pause", json={"time_spent": "x" * 1000}) == refused


def test_a_yoga_body_of_a_wrong_type_is_a_422(edge: Edge) -> None:
    loc, message = detail_of(edge, "POST", "/yoga/api/v1/sessions/start", json={"sequence_id": "x%1y"})
    assert (loc, message) == (["body", "sequence_id"], '"x%1y" is not a valid integer')
