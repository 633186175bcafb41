"""REST in, gRPC to the right service, JSON out."""

from __future__ import annotations

import json

import pytest

from tests.gateway.edge import Edge
from tests.gateway.upstream import JWKS, Call

FOCUS = "/focus/api/v1/sessions"


@pytest.mark.parametrize(
    ("verb", "path", "server", "method"),
    [
        ("POST", "/v1/accounts:signUp", "identity", "IdentityService.SignUp"),
        ("GET", "/v1/accounts/me", "identity", "IdentityService.GetMe"),
        ("GET", "/v1/exercises", "catalog", "CatalogService.ListExercises"),
        ("POST", "/v1/sessions", "session", "SessionService.StartSession"),
        ("POST", "/v1/sessions/5:pause", "session", "SessionService.PauseSession"),
        ("PUT", "/v1/sessions/5/draft", "session", "SessionService.SaveDraft"),
        ("GET", "/v1/standing", "stats", "StatsService.GetStanding"),
        ("POST", "/exercises/submit", "session", "ExercisesService.SubmitAnswer"),
        ("POST", "/api/exercises/session/start", "session", "ExercisesService.StartSession"),
        ("PATCH", f"{FOCUS}/5/end", "session", "FocusService.EndSession"),
        ("GET", "/focus/api/v1/streak", "stats", "FocusProgressService.GetStreak"),
    ],
)
def test_a_rest_call_reaches_its_method_at_its_service(
    edge: Edge, calls: list[Call], verb: str, path: str, server: str, method: str
) -> None:
    body: object = None if verb == "GET" else {}
    assert edge.call(verb, path, json=body).status_code == 200
    assert [(call.server, call.method.split(".v1.")[1]) for call in calls] == [(server, method)]


def test_the_name_in_the_path_arrives_without_the_verb(edge: Edge, calls: list[Call]) -> None:
    edge.call("POST", "/v1/sessions/5:pause", json={"elapsed": "30s"})
    assert (calls[0].request.name, calls[0].request.elapsed.seconds) == ("sessions/5", 30)


def test_an_unregistered_verb_is_not_taken_for_a_part_of_the_name(edge: Edge, calls: list[Call]) -> None:
    assert edge.call("GET", "/v1/sessions/5:nothing").status_code == 404
    assert not calls


def test_fields_keep_their_names_and_are_there_when_empty(edge: Edge) -> None:
    assert edge.call("GET", "/v1/sessions/5").json()["draft_hash"] == ""


def test_a_double_prints_as_a_whole_number_and_an_int64_as_text(edge: Edge) -> None:
    assert '"user_id":42' in edge.call("POST", FOCUS, json={}).text
    assert '"user_id":"42"' in edge.call("GET", "/v1/sessions/5").text


def test_a_null_value_prints_as_null(edge: Edge) -> None:
    assert edge.call("GET", f"{FOCUS}/active").json() == {"success": True, "message": "", "data": None}
    assert edge.call("POST", FOCUS, json={}).json()["data"]["ended_at"] is None


def test_an_http_body_passes_untouched(edge: Edge) -> None:
    response = edge.http.get("/.well-known/jwks.json")
    assert (response.content, response.headers["content-type"]) == (JWKS, "application/jwk-set+json")


@pytest.mark.parametrize("path", [f"{FOCUS}/active", FOCUS, "/v1/sessions"])
def test_a_trailing_slash_is_accepted_and_the_query_kept(edge: Edge, calls: list[Call], path: str) -> None:
    assert edge.call("GET", f"{path}/").status_code == 200
    assert edge.call("GET", f"{path}//?page_size=3&product=focus").status_code == 200
    assert calls[0].method == calls[1].method
    if path == "/v1/sessions":
        assert (calls[1].request.page_size, calls[1].request.product) == (3, "focus")


def test_a_slash_at_the_end_of_the_query_stays(edge: Edge, calls: list[Call]) -> None:
    edge.call("GET", "/v1/sessions?content=activities/")
    assert calls[0].request.content == "activities/"


def test_a_plus_in_a_query_is_a_space(edge: Edge, calls: list[Call]) -> None:
    edge.call("GET", "/v1/sessions?product=two+words%21")
    assert calls[0].request.product == "two words!"


def test_unknown_fields_and_query_parameters_are_ignored(edge: Edge, calls: list[Call]) -> None:
    body = {"duration_seconds": 60, "nobody": {"knows": ["this"]}}
    assert edge.call("POST", f"{FOCUS}?utm_source=mail", json=body).status_code == 200
    assert edge.call("GET", f"{FOCUS}?limit=5&utm_source=mail").status_code == 200
    assert calls[0].request.duration_seconds == 60
    assert calls[1].request.limit == 5


def test_no_body_is_needed_where_every_field_is_optional(edge: Edge, calls: list[Call]) -> None:
    assert edge.call("PATCH", f"{FOCUS}/7/resume").status_code == 200
    assert calls[0].request.id == 7


def test_a_number_may_come_as_text(edge: Edge, calls: list[Call]) -> None:
    edge.call("POST", "/exercises/submit", json={"exercise_id": "123", "session_id": "42"})
    assert (calls[0].request.exercise_id.string_value, calls[0].request.session_id) == ("123", 42)


@pytest.mark.parametrize("null", ["null", " null\n"])
def test_a_body_of_null_is_no_body(edge: Edge, calls: list[Call], null: str) -> None:
    for method, path in (("PATCH", f"{FOCUS}/7/resume"), ("POST", "/portal/api/v1/sessions/7/complete")):
        assert edge.call(method, path, content=null).status_code == 200
    assert calls[0].request.id == 7
    assert edge.call("PUT", "/design/submissions/7", content=null).status_code == 200
    assert calls[2].request.body.data == b""
    assert edge.call("PATCH", f"{FOCUS}/7/resume", content="nul").status_code == 400


def test_a_list_that_is_empty_is_told_from_one_that_was_not_sent(edge: Edge, calls: list[Call]) -> None:
    edge.call("PUT", "/design/problems/7", json={"hints": [], "categories": None, "constraints": ["one"]})
    sent = calls[0].request
    kinds = [getattr(sent, name).WhichOneof("kind") for name in ("hints", "categories", "requirements")]
    assert kinds == ["list_value", "null_value", None]
    assert sent.constraints.list_value.values[0].string_value == "one"


def test_json_is_read_whatever_the_content_type_says(edge: Edge, calls: list[Call]) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    edge.call("POST", FOCUS, content='{"duration_seconds": 60}', headers=headers)
    assert calls[0].request.duration_seconds == 60


def test_a_draft_of_one_mebibyte_passes_both_ways(edge: Edge, calls: list[Call]) -> None:
    draft = json.dumps(["\\" * 500_000])
    assert edge.call("PUT", "/v1/sessions/5/draft", json={"content": draft}).status_code == 200
    assert calls[0].request.content == draft
    assert len(edge.call("GET", "/v1/sessions/5/draft").json()["content"]) == 1024 * 1024


def test_a_call_has_a_deadline_and_the_metadata_that_services_read(edge: Edge, calls: list[Call]) -> None:
    headers = {"idempotency-key": "k1", "x-time-zone": "Asia/Kolkata", "x-request-id": "r1", "if-match": "h"}
    response = edge.call("POST", FOCUS, json={}, headers=headers)
    left = calls[0].seconds_left
    assert left is not None and 0 < left <= edge.settings.gateway_request_timeout_seconds + 1
    assert headers.items() <= calls[0].metadata.items()
    assert str(calls[0].metadata["authorization"]).startswith("Bearer ")
    assert response.headers["x-request-id"] == "r1"


def test_a_call_without_a_request_id_gets_one(edge: Edge, calls: list[Call]) -> None:
    response = edge.call("GET", "/v1/sessions/5")
    assert response.headers["x-request-id"] == calls[0].metadata["x-request-id"] != ""
