"""What a call raises: the platform refused it, or was not reached."""

from __future__ import annotations

import email.utils
import json
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

# Statuses that pass: the same call may be answered a moment later.
_PASSING = frozenset({408, 429, 502, 503, 504})
# Products without a list of fields tell them in one text: `exercise_id: is required; text: is too long`.
_FAULT = re.compile(r"^([A-Za-z_][\w.\[\]]*): (.+)$")


class PracticeError(Exception):
    """A call that was not done; `request_id` names it in the platform's logs."""

    def __init__(self, message: str, *, request_id: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.request_id = request_id


class NetworkError(PracticeError):
    """No answer came. A change may have been done: the same key tells, when it is sent again."""


class DeadlineExceeded(NetworkError):  # noqa: N818 - the name that gRPC and Go gave it
    """No answer came before the deadline of the call."""


class ApiError(PracticeError):
    """The platform refused a call.

    `reason` is for programs, such as `SESSION_ENDED`, and the same in every product; `fields` tells what is
    wrong with each field that broke a rule; `retry_after` says in how many seconds it may be sent again.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        reason: str,
        request_id: str = "",
        fields: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, request_id=request_id)
        self.status = status
        self.reason = reason
        self.fields = dict(fields or {})
        self.retry_after = retry_after

    @property
    def passes(self) -> bool:
        """Whether the same call may be answered a moment later."""
        return self.status in _PASSING

    def __str__(self) -> str:
        return f"{self.status} {self.reason}: {self.message} (request {self.request_id})"

    @classmethod
    def of(cls, response: httpx.Response) -> ApiError:
        """Returns the error of an answer whose body has been read, in the shape of any product."""
        try:
            body = json.loads(response.content)
        except ValueError:
            body = {}
        body = body if isinstance(body, dict) else {}
        reason = response.headers.get("x-practice-reason", "")
        return cls(
            _message(body) or response.reason_phrase,
            status=response.status_code,
            reason=reason,
            request_id=response.headers.get("x-request-id", ""),
            fields=dict(_faults(body, reason)),
            retry_after=_seconds(response.headers.get("retry-after")),
        )


def _message(body: Mapping[str, Any]) -> str:
    error, detail = body.get("error"), body.get("detail")
    if isinstance(error, dict):
        return str(error.get("message", ""))
    if isinstance(detail, list):
        return "; ".join(f"{field}: {words}" for field, words in _faults(body, ""))
    return str(body.get("message") or detail or error or "")


def _faults(body: Mapping[str, Any], reason: str) -> Iterator[tuple[str, str]]:
    """Yields the fields that are wrong, with words: some products list them, the others join them."""
    error, detail = body.get("error"), body.get("detail")
    if isinstance(error, dict):
        for each in error.get("details", ()):
            for violation in each.get("field_violations", ()):
                yield str(violation.get("field")), str(violation.get("description"))
    elif isinstance(detail, list):
        for each in detail:
            yield ".".join(map(str, each.get("loc", ())[1:])), str(each.get("msg"))
    elif reason == "FIELD_INVALID":
        for part in _message(body).split("; "):
            if fault := _FAULT.match(part):
                yield fault[1], fault[2]


def _seconds(retry_after: str | None) -> float | None:
    """Returns the seconds that `Retry-After` asks to wait, which is a number or a date."""
    if not retry_after:
        return None
    if retry_after.isdigit():
        return float(retry_after)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return None
