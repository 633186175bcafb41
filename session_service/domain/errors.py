"""Errors of the domain: what can be wrong with a request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from service_kit.errors import (
    ConflictError,
    InvalidArgumentError,
    InvalidStateError,
    NotFoundError,
    ServiceError,
    StaleWriteError,
)


class ProductUnknownError(InvalidArgumentError):
    """There is no such product."""

    reason = "PRODUCT_UNKNOWN"

    def __init__(self, product: str) -> None:
        super().__init__(f"There is no product '{product}'", product=product)


class ProductNotFoundError(NotFoundError):
    """There is no row of such a product."""

    reason = "PRODUCT_NOT_FOUND"

    def __init__(self, product: str) -> None:
        super().__init__(f"There is no product '{product}'", product=product)


class ProductRetiredError(InvalidStateError):
    """Sessions of the product cannot be started any more."""

    reason = "PRODUCT_RETIRED"

    def __init__(self, product: str) -> None:
        super().__init__(f"The product '{product}' is retired: what is open can be ended", product=product)


class ProductInUseError(InvalidStateError):
    """Stored sessions of the product break its new row."""

    reason = "PRODUCT_IN_USE"

    def __init__(self, product: str, field: str, problem: str) -> None:
        super().__init__(f"Product '{product}': {field} {problem}", product=product, field=field)


class ModeUnknownError(InvalidArgumentError):
    """The product has no such mode."""

    reason = "MODE_UNKNOWN"

    def __init__(self, mode: str, allowed: Iterable[str]) -> None:
        names = ", ".join(allowed)
        super().__init__(f"The mode must be one of: {names or 'none'}", mode=mode, allowed=names)


class ContentMismatchError(InvalidArgumentError):
    """The product needs content and got none, or another kind of it."""

    reason = "CONTENT_MISMATCH"

    def __init__(self, product: str, kind: str | None) -> None:
        wanted = f"needs {kind}/..." if kind else "takes no content"
        super().__init__(f"The product '{product}' {wanted}", product=product)


class ContentNotFoundError(NotFoundError):
    """There is no such activity, sequence or problem."""

    reason = "CONTENT_NOT_FOUND"

    def __init__(self, content: str) -> None:
        super().__init__(f"'{content}' does not exist", content=content)


class ItemNotFoundError(NotFoundError):
    """There is no such exercise or word to answer in this session."""

    reason = "ITEM_NOT_FOUND"

    def __init__(self, item: str) -> None:
        super().__init__(f"'{item}' does not exist", item=item)


class DurationOutOfRangeError(InvalidArgumentError):
    """A duration is outside of what the product takes. Seconds."""

    reason = "DURATION_OUT_OF_RANGE"

    def __init__(self, field: str, minimum: int, maximum: int) -> None:
        super().__init__(
            f"{field} must be between {minimum} and {maximum} seconds",
            field=field,
            minimum=minimum,
            maximum=maximum,
        )


class ElapsedWentBackError(InvalidArgumentError):
    """A reported time is smaller than the one on record. Seconds."""

    reason = "ELAPSED_WENT_BACK"

    def __init__(self, recorded: int, reported: int) -> None:
        super().__init__(
            f"The elapsed time cannot go back from {recorded} to {reported} seconds",
            recorded=recorded,
            reported=reported,
        )


class OutcomeNotAllowedError(InvalidArgumentError):
    """The product does not end sessions this way."""

    reason = "OUTCOME_NOT_ALLOWED"

    def __init__(self, product: str, outcome: str) -> None:
        super().__init__(f"The product '{product}' has no outcome '{outcome}'", outcome=outcome)


class DraftInvalidError(InvalidArgumentError):
    """The draft cannot be kept. `problem` is `syntax`, `depth` or `size`."""

    reason = "DRAFT_INVALID"

    def __init__(self, problem: str, message: str) -> None:
        super().__init__(message, problem=problem)


class SessionNotFoundError(NotFoundError):
    """There is no such session, or it is another user's.

    `foreign` tells the two apart for products whose documents do.
    """

    reason = "SESSION_NOT_FOUND"

    def __init__(self, session_id: int, *, foreign: bool = False) -> None:
        super().__init__("The session does not exist or is not yours", session=f"sessions/{session_id}")
        self.foreign = foreign


class SubmissionNotFoundError(NotFoundError):
    """There is no such submission, or it is another user's; `foreign` tells the two apart."""

    reason = "SUBMISSION_NOT_FOUND"

    def __init__(self, submission_id: int, *, foreign: bool = False) -> None:
        super().__init__(
            "The submission does not exist or is not yours", submission=f"submissions/{submission_id}"
        )
        self.foreign = foreign


class ConversationFullError(InvalidStateError):
    """The conversation takes no more lines. `maximum` is in bytes."""

    reason = "CONVERSATION_FULL"

    def __init__(self, maximum: int) -> None:
        super().__init__("The conversation is full", maximum=maximum)


class FeedbackTooLargeError(InvalidArgumentError):
    """The feedback takes too much. `maximum` is in bytes."""

    reason = "FIELD_INVALID"

    def __init__(self, maximum: int) -> None:
        super().__init__(f"Feedback takes at most {maximum} bytes", field="feedback", maximum=maximum)


class SessionEndedError(InvalidStateError):
    """The session has ended; nothing is accepted any more."""

    reason = "SESSION_ENDED"

    def __init__(self, session_id: int, state: str, ended_at: datetime | None) -> None:
        super().__init__(
            f"The session is already {state}",
            session=f"sessions/{session_id}",
            state=state,
            end_time=ended_at.isoformat() if ended_at else "",
        )


class SessionAlreadyOpenError(ConflictError):
    """The product allows one open session and one is open."""

    reason = "SESSION_ALREADY_OPEN"

    def __init__(self, session_id: int) -> None:
        super().__init__("A session is already open", session=f"sessions/{session_id}")


class AnswerInvalidError(InvalidArgumentError):
    """An answer that cannot be recorded as it is; `field` says what is wrong with it."""

    reason = "FIELD_INVALID"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message, field=field)


class AnswerIdReusedError(ConflictError):
    """The answer id came before with another answer."""

    reason = "ANSWER_ID_REUSED"

    def __init__(self, answer_id: str) -> None:
        super().__init__("The answer id was used with another answer", answer_id=answer_id)


class EtagMismatchError(StaleWriteError):
    """The session changed since it was read."""

    reason = "ETAG_MISMATCH"

    def __init__(self, etag: str) -> None:
        super().__init__("The session changed since it was read; read it again", etag=etag)


# The errors that a single item of a batch can be refused with, by their categories.
_CATEGORIES: dict[str, type[ServiceError]] = {
    "invalid": InvalidArgumentError,
    "not_found": NotFoundError,
    "state": InvalidStateError,
    "conflict": ConflictError,
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one item of a batch is not on record while others are: an error as a value.

    Results of batches are stored, as JSON, under the key of their request, so
    they hold no exceptions. `category` is `invalid`, `not_found`, `state` or
    `conflict`.
    """

    category: str
    reason: str
    message: str
    metadata: dict[str, str]

    @classmethod
    def of(cls, error: ServiceError) -> Refusal:
        """Returns the refusal that an error stands for; raises it when it is none of a single item."""
        for category, kind in _CATEGORIES.items():
            if isinstance(error, kind):
                return cls(category, error.reason, error.message, error.metadata)
        raise error

    def as_error(self) -> ServiceError:
        """Returns the error that it stands for, where the whole call is refused."""
        error = _CATEGORIES[self.category](self.message, reason=self.reason)
        error.metadata = dict(self.metadata)
        return error
