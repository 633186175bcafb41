"""What generated models stand on, and how values are written for the platform."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer


class Model(BaseModel):
    """A message. Fields that a newer platform adds are kept, not refused."""

    model_config = ConfigDict(extra="allow", populate_by_name=True, defer_build=True)


def _read_duration(value: Any) -> Any:
    """Returns the duration of a text such as `1.5s`; anything else as it is."""
    if isinstance(value, str) and value.endswith("s"):
        return timedelta(seconds=float(value[:-1]))
    return value


def write_duration(value: timedelta) -> str:
    """Returns a duration as JSON has it: `1.5s`."""
    return f"{value.total_seconds():f}".rstrip("0").rstrip(".") + "s"


Duration = Annotated[timedelta, BeforeValidator(_read_duration), PlainSerializer(write_duration)]


def to_json(value: Any) -> Any:
    """Returns a value as JSON has it. What is None is left out of messages."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(value, timedelta):
        return write_duration(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: to_json(each) for name, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return [to_json(each) for each in value]
    return value
