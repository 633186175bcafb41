"""What the design product's clients ask: records by their public ids, pages, versions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import grpc
from practice.products.design.v1 import design_sessions_service_pb2 as pb2

from service_kit import object_ids
from session_service.application.ports.sessions import SessionRef
from session_service.application.ports.submissions import SubmissionRef
from session_service.domain.errors import (
    ContentNotFoundError,
    SessionNotFoundError,
    SubmissionNotFoundError,
)

PRODUCT = "design"
_DEFAULT_LIMIT = 100

ListRequest = pb2.ListMySessionsRequest | pb2.ListMySubmissionsRequest


def limit(request: ListRequest) -> int:
    """Returns how many a list shows at most."""
    return request.limit if request.HasField("limit") else _DEFAULT_LIMIT


def problem(text: str) -> object_ids.ObjectId:
    """Returns the problem an id names. Raises ContentNotFoundError for what is no id."""
    named = object_ids.decode(text)
    if named is None:
        raise ContentNotFoundError(f"problems/{text}")
    return named


def made_in(named: object_ids.ObjectId, created_at: datetime | None) -> bool:
    """Tells whether an id names the problem of that number made then."""
    return created_at is not None and named.names(named.number, created_at)


def content(named: object_ids.ObjectId) -> str:
    """Returns a problem's name at the catalog."""
    return f"problems/{named.number}"


def session(text: str) -> SessionRef:
    """Returns the session an id names. Raises SessionNotFoundError for what is no id."""
    named = object_ids.decode(text)
    if named is None:
        raise SessionNotFoundError(0)
    return SessionRef(named.number, PRODUCT, named.second)


def submission(text: str) -> SubmissionRef:
    """Returns the submission an id names. Raises SubmissionNotFoundError for what is no id."""
    named = object_ids.decode(text)
    if named is None:
        raise SubmissionNotFoundError(0)
    return SubmissionRef(named.number, named.second)


def edited_version(context: grpc.aio.ServicerContext[Any, Any]) -> str:
    """Returns the hash in the header If-Match, with or without quotes; empty for none and for any."""
    given = str(dict(context.invocation_metadata() or ()).get("if-match", "")).strip()
    named = given.removeprefix("W/").strip('"')
    return "" if named == "*" else named
