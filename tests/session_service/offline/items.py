"""What a device brings along from its time offline."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from session_service.domain.states import State
from session_service.offline.domain import OfflineAnswer, OfflineSession

_numbers = itertools.count(1)


def uuid7(made: datetime) -> str:
    """Returns a UUIDv7 made at an instant, another one each time."""
    milliseconds = int(made.timestamp() * 1000)
    return str(UUID(int=milliseconds << 80 | 0x7 << 76 | 0b10 << 62 | next(_numbers)))


def answer(given: datetime, item: str = "exercises/1", text: str = "hable", **changes: Any) -> OfflineAnswer:
    """An answer given at an instant."""
    told = {"answer_id": uuid7(given), "item": item, "text": text, "answered_at": given}
    return OfflineAnswer(**{**told, **changes})


def session(ended: datetime, product: str = "exercises", **changes: Any) -> OfflineSession:
    """A completed session of ten minutes that ended at an instant."""
    needed: dict[str, dict[str, Any]] = {
        "portal": {"content": "activities/123"},
        "focus": {"planned_seconds": 1500},
        "design": {"content": "problems/7"},
    }
    told = {
        "client_id": uuid7(ended),
        "product": product,
        "started_at": ended - timedelta(minutes=10),
        "ended_at": ended,
        "time_zone": "Europe/Madrid",
        "outcome": State.COMPLETED,
        **needed.get(product, {}),
    }
    return OfflineSession(**{**told, **changes})
