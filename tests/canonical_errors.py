"""Reads errors of `/v1` and `/admin/v1`: AIP-193, with the reason first and where it is explained last."""

from __future__ import annotations

from typing import Any

import httpx
from google.rpc import code_pb2

TYPES = "type.googleapis.com/google.rpc."


def read_error(status: int, body: Any) -> dict[str, Any]:
    """Returns what `error` says, which must be of the form and of the response's status."""
    assert body.keys() == {"error"}, body
    error: dict[str, Any] = body["error"]
    assert error.keys() == {"code", "message", "status", "details"}, error
    assert error["code"] == status
    assert error["status"] in code_pb2.Code.keys()  # noqa: SIM118
    assert error["message"]
    first, *between, last = error["details"]
    assert (first["@type"], first["domain"]) == (f"{TYPES}ErrorInfo", "practice")
    assert [each["@type"] for each in between] in ([], [f"{TYPES}BadRequest"])
    assert last["@type"] == f"{TYPES}Help"
    (link,) = last["links"]
    assert link["url"].endswith(f"/docs/guides/api-errors#{first['reason'].lower()}")
    assert link["description"]
    return error


def error_of(response: httpx.Response) -> dict[str, Any]:
    """Returns the error of a response."""
    assert response.headers["content-type"] == "application/json"
    return read_error(response.status_code, response.json())


def reason_of(response: httpx.Response) -> str:
    """Returns why a call was refused, as the body and the header say alike."""
    reason: str = error_of(response)["details"][0]["reason"]
    assert response.headers["x-practice-reason"] == reason
    return reason
