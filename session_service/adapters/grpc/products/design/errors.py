"""How the design product's clients know an error."""

from __future__ import annotations

from service_kit.errors import ServiceError
from service_kit.grpc.presentation import ProductError, http_status
from service_kit.grpc.product_shapes import validation_details
from session_service.adapters.grpc.products.design.responses import STATUS_WORDS
from session_service.domain.errors import (
    ContentNotFoundError,
    SessionEndedError,
    SessionNotFoundError,
    SubmissionNotFoundError,
)
from session_service.domain.states import State

_IN_QUERY = frozenset({"skip", "limit"})
_STATUSES = {"SESSION_ENDED": 400, "ETAG_MISMATCH": 412, "CONVERSATION_FULL": 413}
_DRAFT_STATUSES = {"syntax": 422, "size": 413, "depth": 413}
_DETAILS = {
    "CONTENT_NOT_FOUND": "Problem not found",
    "SESSION_NOT_FOUND": "Session not found",
    "SUBMISSION_NOT_FOUND": "Submission not found",
}


def present(error: ServiceError) -> ProductError:
    """Returns an error as this product's clients know it."""
    details = validation_details(error, _IN_QUERY)
    if details is not None:
        return ProductError(422, {"detail": details})
    if isinstance(error, SessionNotFoundError | SubmissionNotFoundError) and error.foreign:
        kind = "session" if isinstance(error, SessionNotFoundError) else "submission"
        return ProductError(403, {"detail": f"Not authorized to access this {kind}"})
    if error.reason == "DRAFT_INVALID":
        return _invalid_diagram(error)
    if isinstance(error, SessionEndedError):
        word = STATUS_WORDS[State(error.metadata["state"])]
        return ProductError(400, {"detail": f"Session already {word}"})
    status = http_status(error, _STATUSES)
    own = isinstance(error, ContentNotFoundError | SessionNotFoundError | SubmissionNotFoundError)
    return ProductError(status, {"detail": _DETAILS[error.reason] if own else error.message})


def _invalid_diagram(error: ServiceError) -> ProductError:
    status = _DRAFT_STATUSES[error.metadata["problem"]]
    if status != 422:
        return ProductError(status, {"detail": error.message})
    wrong = {"loc": ["body", "diagram_data"], "msg": error.message, "type": "value_error"}
    return ProductError(status, {"detail": [wrong]})
