"""The categories an error of a service belongs to.

A domain defines its errors as small subclasses with a reason; the category
alone decides the gRPC status. Pure: no transport is known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# gRPC refuses trailers over 8 KiB; percent-encoded, a character takes up to twelve bytes.
_LONGEST_MESSAGE = 200
_LONGEST_VALUE = 100
_MOST_FAULTS, _LONGEST_WORDS = 10, 120


class ServiceError(Exception):
    """An error that a caller can understand and act on.

    `reason` is a name of practice.errors.v1.ErrorReason without its prefix,
    `message` is for people, `metadata` holds what a program needs. Both may
    repeat what a caller sent, and are cut: they travel in headers.
    """

    reason: str = "INTERNAL"

    def __init__(self, message: str, *, reason: str | None = None, **metadata: object) -> None:
        super().__init__(message)
        self.message = message[:_LONGEST_MESSAGE]
        self.reason = reason or type(self).reason
        self.metadata = {key: str(value)[:_LONGEST_VALUE] for key, value in metadata.items()}


class NotFoundError(ServiceError):
    """What was named does not exist, or is not the caller's to know of."""


class ConflictError(ServiceError):
    """What was to be made exists already."""


class InvalidArgumentError(ServiceError):
    """The request can never succeed as it is."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a field: its dotted name, in words, and the rule of the schema that it breaks."""

    field: str
    words: str
    rule: str = ""

    def __str__(self) -> str:
        return f"{self.field}: {self.words}" if self.field else self.words


class FieldsInvalidError(InvalidArgumentError):
    """Fields break rules. It speaks of the first; `faults` has them all, as far as trailers have room."""

    reason = "FIELD_INVALID"

    def __init__(self, faults: Sequence[Fault]) -> None:
        first = faults[0]
        super().__init__(str(first), field=first.field, rule=first.rule)
        self.faults = tuple(
            Fault(each.field[:_LONGEST_VALUE], each.words[:_LONGEST_WORDS], each.rule)
            for each in dict.fromkeys(faults)
        )[:_MOST_FAULTS]


class InvalidStateError(ServiceError):
    """The request does not fit the state things are in."""


class PermissionDeniedError(ServiceError):
    """The caller is known and may not do this."""

    reason = "NOT_PERMITTED"


class AccountErasedError(PermissionDeniedError):
    """The caller's account is erased; their access token has outlived it."""

    reason = "ACCOUNT_ERASED"

    def __init__(self) -> None:
        super().__init__("The account is erased")


class StaleWriteError(ServiceError):
    """The resource changed since the caller read it."""

    reason = "ETAG_MISMATCH"


class UnauthenticatedError(ServiceError):
    """The caller did not prove who they are."""

    reason = "TOKEN_INVALID"


class TokenEndedError(UnauthenticatedError):
    """The access token was ended before it expires: by a log-out everywhere, a new password or an erasure."""

    def __init__(self) -> None:
        super().__init__("The access token was ended; log in again")


@dataclass(frozen=True, slots=True)
class LimitPolicy:
    """What a limit is: `quota` units of something in any `window` of seconds.

    Without a window nothing comes back with time alone. A `unit` other than
    requests is one that draft-ietf-httpapi-ratelimit-headers knows.
    """

    name: str
    quota: int
    window: int | None = None
    unit: str = ""


class RateLimitedError(ServiceError):
    """The caller called too often; `retry_after` in the metadata says when to come back.

    `policy` is the limit that was reached, where there is one to tell of.
    """

    reason = "RATE_LIMITED"

    def __init__(self, message: str, policy: LimitPolicy | None = None, **metadata: object) -> None:
        super().__init__(message, reason=None, **metadata)
        self.policy = policy


class TooManyAtOnceError(RateLimitedError):
    """So many calls of a kind, `what`, are under way that no other one is begun."""

    reason = "TOO_MANY_AT_ONCE"

    def __init__(self, what: str, limit: int, retry_after: int = 1) -> None:
        super().__init__(
            f"Too many {what} at the same time",
            LimitPolicy(what, limit, unit="concurrent-requests"),
            what=what,
            limit=limit,
            retry_after=retry_after,
        )


class QuotaExceededError(RateLimitedError):
    """The account has all that one account gets of something, the name of the quota.

    `retry_after` is for those whose window gives some back.
    """

    reason = "QUOTA_EXCEEDED"

    def __init__(self, message: str, quota: LimitPolicy, retry_after: int | None = None) -> None:
        super().__init__(message, quota, quota=quota.name, limit=quota.quota)
        if retry_after is not None:
            self.metadata["retry_after"] = str(retry_after)


class UnavailableError(ServiceError):
    """A part this depends on does not answer; the same request may succeed later."""

    reason = "DEPENDENCY_UNAVAILABLE"
