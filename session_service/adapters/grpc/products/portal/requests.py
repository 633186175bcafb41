"""What the portal product's clients ask, read strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from practice.products.portal.v1 import portal_service_pb2 as pb2

from service_kit.errors import Fault, FieldsInvalidError, InvalidArgumentError, NotFoundError
from service_kit.time_zones import time_zone
from session_service.adapters.grpc.products.shapes import content_name, parse_number
from session_service.application.ports.readers import SessionSelection
from session_service.application.ports.sessions import SessionRef
from session_service.domain.answers import SubmittedAnswer
from session_service.domain.days import LATEST, Calendar, in_utc
from session_service.domain.items import DEFAULT_COUNT, DEFAULT_DIFFICULTY, Selection

PRODUCT = "portal"
DEFAULT_TIME_LIMIT = 600
LONGEST_TIME_LIMIT = 86_400

_DEFAULT_PAGE = 10
_DEFAULTS = {
    "difficulty": DEFAULT_DIFFICULTY,
    "word_count": DEFAULT_COUNT,
    "time_limit": DEFAULT_TIME_LIMIT,
}
_DIFFICULTIES = ("easy", "medium", "hard")
_MOST_WORDS = 100

_WORD_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)
# An unescaped plus sign of a query arrives as a space.
_SPACE_FOR_PLUS = re.compile(r"(T[^ ]+) ([0-9]{2}:[0-9]{2})\Z", re.ASCII)
_ORDINAL = re.compile(r"([0-9]{4})-?([0-9]{3})", re.ASCII)


def session_ref(session_id: str) -> SessionRef:
    """Returns the session a path names. Raises NotFoundError for what is no number."""
    number = parse_number(session_id)
    if number is None:
        raise NotFoundError(
            "The session does not exist", reason="SESSION_NOT_FOUND", session=f"sessions/{session_id}"
        )
    return SessionRef(number, PRODUCT)


def activity(number: int) -> str:
    """Returns an activity's name. Raises ContentNotFoundError for a number that none can have."""
    return content_name("activities", number)


@dataclass(frozen=True, slots=True)
class StartSettings:
    """A start's settings: as they come back, and which words they select."""

    echo: dict[str, Any]
    selection: Selection


def start_settings(given: Mapping[str, Any]) -> StartSettings:
    """Returns the settings with defaults for what was left out.

    Raises FieldsInvalidError for known members of another type or out of
    their range. Members nobody knows come back as they are.
    """
    shown = {**_DEFAULTS, **{name: value for name, value in given.items() if is_given(name, value)}}
    faults = []
    if shown["difficulty"] not in _DIFFICULTIES:
        faults.append(Fault("settings.difficulty", f"must be one of {', '.join(_DIFFICULTIES)}"))
    for name, most in (("word_count", _MOST_WORDS), ("time_limit", LONGEST_TIME_LIMIT)):
        shown[name] = whole(shown[name], most)
        if shown[name] is None:
            faults.append(Fault(f"settings.{name}", f"must be a whole number from 1 to {most}"))
    if faults:
        raise FieldsInvalidError(faults)
    return StartSettings(shown, Selection(shown["difficulty"], shown["word_count"]))


def is_given(name: str, value: Any) -> bool:
    """Tells whether a member says something: a null where there is a default does not."""
    return value is not None or name not in _DEFAULTS


def whole(value: Any, most: int) -> int | None:
    """Returns a JSON number from 1 to `most` that is whole, None for anything else.

    20.0 is whole too; true and false are no numbers, whatever Python says.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 1 <= value <= most and value == int(value) else None


def answer_from_proto(request: pb2.UpdateProgressRequest) -> SubmittedAnswer:
    """Returns the answer. Raises InvalidArgumentError for an item id that no word can have."""
    if not _WORD_ID.fullmatch(request.item_id):
        raise InvalidArgumentError(
            "item_id is not an item of this session", reason="FIELD_INVALID", field="item_id"
        )
    return SubmittedAnswer(
        item=f"words/{request.item_id}",
        text=request.answer,
        time_taken=request.time_taken if request.HasField("time_taken") else None,
    )


def history_selection(request: pb2.ListHistoryRequest, user_id: int, calendar: Calendar) -> SessionSelection:
    """Returns which sessions are asked for, in instants. Raises FieldsInvalidError for a bad date."""
    return SessionSelection(
        user_id=user_id,
        product=PRODUCT,
        content=f"activities/{request.activity_id}" if request.HasField("activity_id") else "",
        started_from=_range("from_date", request.from_date, calendar)[0],
        started_before=_range("to_date", request.to_date, calendar)[1],
        limit=request.limit if request.HasField("limit") else _DEFAULT_PAGE,
        offset=request.offset,
    )


def _range(field: str, text: str, calendar: Calendar) -> tuple[datetime | None, datetime | None]:
    """Returns the first instant a text names and the first one after; a date names its whole day.

    A time names as much as it is precise to: what is shown as 10:00:00Z began
    anywhere in that second. Without an offset it is the user's.
    """
    if not text:
        return None, None
    day = _day(text)
    if day is not None:
        return calendar.start_of(day), calendar.end_of(day)
    try:
        instant = datetime.fromisoformat(_SPACE_FOR_PLUS.sub(r"\1+\2", text))
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=time_zone(calendar.time_zone))
    except ValueError as error:
        raise _invalid(field, "must be a date or a time in ISO 8601") from error
    start = in_utc(instant)
    precision = timedelta(microseconds=1) if instant.microsecond else timedelta(seconds=1)
    return start, start + min(precision, LATEST - start)


def _day(text: str) -> date | None:
    """Returns the day that a text names by month, week or number in its year, None for another text."""
    try:
        if (ordinal := _ORDINAL.fullmatch(text)) is not None:
            first = date(int(ordinal[1]), 1, 1)
            day = date.fromordinal(first.toordinal() + int(ordinal[2]) - 1)
            return day if day.year == first.year else None
        return date.fromisoformat(text)
    except ValueError:
        return None


def _invalid(field: str, problem: str) -> FieldsInvalidError:
    return FieldsInvalidError([Fault(field, problem)])
