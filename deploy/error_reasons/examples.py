"""An error of every reason, as somebody meets it: the examples of docs/api-errors.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Example:
    """What an error says to people, and to programs beside its reason."""

    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)


_SESSION = "sessions/812"
_PAUSE = "pauses/0197f3a2-5d1c-7c3e-9a50-3f2b8f4e6a11"
_DEVICE_ID = "0197f3a2-5d1c-7c3e-9a50-3f2b8f4e6a12"
_JOB = "0197f3a2-5d1c-7c3e-9a50-3f2b8f4e6a13"

EXAMPLES = {
    "FIELD_INVALID": Example(
        "page_size: must be a whole number from 0 to 100",
        {"field": "page_size", "rule": "int32.gte_lte"},
    ),
    "PRODUCT_UNKNOWN": Example("There is no product 'chess'", {"product": "chess"}),
    "PRODUCT_NOT_FOUND": Example("There is no product 'chess'", {"product": "chess"}),
    "PRODUCT_RETIRED": Example(
        "The product 'chess' is retired: what is open can be ended", {"product": "chess"}
    ),
    "PRODUCT_IN_USE": Example(
        "Product 'chess': outcomes must keep partial: stored sessions ended so",
        {"product": "chess", "field": "outcomes"},
    ),
    "MODE_UNKNOWN": Example(
        "The mode must be one of: practice, test", {"mode": "exam", "allowed": "practice, test"}
    ),
    "TIME_ZONE_UNKNOWN": Example("'Mars/Olympus' is not an IANA time zone", {"time_zone": "Mars/Olympus"}),
    "DURATION_OUT_OF_RANGE": Example(
        "planned_duration must be between 60 and 14400 seconds",
        {"field": "planned_duration", "minimum": "60", "maximum": "14400"},
    ),
    "ELAPSED_WENT_BACK": Example(
        "The elapsed time cannot go back from 300 to 240 seconds", {"recorded": "300", "reported": "240"}
    ),
    "OUTCOME_NOT_ALLOWED": Example(
        "The product 'exercises' has no outcome 'partial'", {"outcome": "partial"}
    ),
    "PAGE_TOKEN_INVALID": Example("The page token does not belong to this list; start again without one"),
    "DRAFT_INVALID": Example("The draft is not JSON", {"problem": "syntax"}),
    "CONTENT_MISMATCH": Example("The product 'yoga' needs sequences/...", {"product": "yoga"}),
    "TIME_OUT_OF_RANGE": Example(
        "start_time must be from 2026-01-04T09:30:00+00:00 to 2026-02-03T10:30:00+00:00",
        {
            "field": "start_time",
            "earliest": "2026-01-04T09:30:00+00:00",
            "latest": "2026-02-03T10:30:00+00:00",
        },
    ),
    "DATE_OUT_OF_RANGE": Example(
        "first_date must be from 2026-02-03 and until 2027-02-04",
        {"field": "first_date", "earliest": "2026-02-03", "latest": "2027-02-04"},
    ),
    "PAUSE_TOO_LONG": Example("A pause has at most 60 days", {"maximum": "60"}),
    "PASSWORD_TOO_COMMON": Example(
        "password: this password is guessed first; choose another", {"field": "password"}
    ),
    "SESSION_NOT_FOUND": Example("The session does not exist or is not yours", {"session": _SESSION}),
    "ITEM_NOT_FOUND": Example("'exercises/9999' does not exist", {"item": "exercises/9999"}),
    "CONTENT_NOT_FOUND": Example("'activities/9999' does not exist", {"content": "activities/9999"}),
    "ACCOUNT_NOT_FOUND": Example("There is no such account"),
    "SUBMISSION_NOT_FOUND": Example(
        "The submission does not exist or is not yours", {"submission": "submissions/41"}
    ),
    "PAUSE_NOT_FOUND": Example("There is no such pause", {"pause": _PAUSE}),
    "BADGE_NOT_FOUND": Example("There is no badge 'night-owl'", {"badge_id": "night-owl"}),
    "RECALCULATION_NOT_FOUND": Example("There is no such recalculation", {"job": _JOB}),
    "RECONCILIATION_NOT_FOUND": Example("There is no such reconciliation", {"run": "17"}),
    "RECEIPT_NOT_FOUND": Example("There is no such receipt", {"receipt_id": _JOB}),
    "SESSION_ENDED": Example(
        "The session is already completed",
        {"session": _SESSION, "state": "completed", "end_time": "2026-02-03T09:30:00+00:00"},
    ),
    "CONVERSATION_FULL": Example("The conversation is full", {"maximum": "2097152"}),
    "BADGE_STATE_INVALID": Example(
        "A badge that could be earned cannot be a draft again", {"badge_id": "night-owl"}
    ),
    "FREEZE_LIMIT_REACHED": Example(
        "At most 2 freezes can be held for this streak", {"product": "focus", "limit": "2"}
    ),
    "PAUSE_OVER": Example("The pause ended with 2026-01-31", {"end_date": "2026-01-31"}),
    "REPAIR_DAY_NOT_OVER": Example(
        "2026-02-03 is not over for this user, whose day is 2026-02-03: nothing is missed",
        {"date": "2026-02-03", "today": "2026-02-03"},
    ),
    "REPAIR_NOT_NEEDED": Example(
        "2026-02-01 ended no streak: it is practised, or kept already", {"date": "2026-02-01"}
    ),
    "REPAIR_WITHOUT_STREAK": Example(
        "No streak was alive that 2026-02-01 could have ended", {"date": "2026-02-01"}
    ),
    "SESSION_ALREADY_OPEN": Example("A session is already open", {"session": _SESSION}),
    "EMAIL_TAKEN": Example("This email has an account already"),
    "ANSWER_ID_REUSED": Example("The answer id was used with another answer", {"answer_id": _DEVICE_ID}),
    "IDEMPOTENCY_KEY_REUSED": Example(
        "The idempotency key was used with another request", {"key": "start-2026-02-03"}
    ),
    "CLIENT_ID_REUSED": Example("The id is on record with other content", {"client_id": _DEVICE_ID}),
    "PAUSE_OVERLAPS": Example("Another pause has some of these days", {"pause": _PAUSE}),
    "ALIAS_TAKEN": Example("Somebody goes by this name, or by one that looks like it", {"field": "alias"}),
    "ETAG_MISMATCH": Example(
        "The session changed since it was read; read it again", {"etag": "a1b2c3d4e5f60718"}
    ),
    "TOKEN_INVALID": Example("A valid access token is required"),
    "CREDENTIALS_INVALID": Example("The email and the password do not belong together"),
    "NOT_PERMITTED": Example("Not authorized to edit this problem"),
    "ACCOUNT_ERASED": Example("The account is erased"),
    "RATE_LIMITED": Example(
        "Too many attempts; try again later", {"limit": "10", "remaining": "0", "retry_after": "840"}
    ),
    "TOO_MANY_AT_ONCE": Example(
        "Too many downloads at the same time", {"what": "downloads", "limit": "2", "retry_after": "10"}
    ),
    "QUOTA_EXCEEDED": Example(
        "At most 5 freezes can be bought in 30 days",
        {"quota": "freeze_purchases", "limit": "5", "retry_after": "86400"},
    ),
    "DEPENDENCY_UNAVAILABLE": Example("The catalog does not answer; try again", {"part": "catalog"}),
    "INTERNAL": Example(
        "Something went wrong on our side", {"request_id": "0b6f6d0e-7c9e-4f6e-8a52-9e0f3d2c1b4a"}
    ),
    "REQUEST_MALFORMED": Example("The request body is not the JSON this call takes"),
    "REQUEST_TOO_LARGE": Example("The request is too large"),
    "PATH_NOT_FOUND": Example("Not found"),
    "METHOD_NOT_ALLOWED": Example(
        "The path does not take this method; the header Allow names those it takes"
    ),
}
