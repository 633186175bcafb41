"""Sessions as a device keeps them while there is no network, for the canonical REST API."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any


def uuid7(made: datetime) -> str:
    """Returns a UUIDv7 made at an instant."""
    milliseconds = int(made.timestamp() * 1000)
    noise = uuid.uuid4().int & ((1 << 80) - 1)
    number = milliseconds << 80 | noise
    number = number & ~(0xF << 76) | 0x7 << 76
    return str(uuid.UUID(int=number & ~(0b11 << 62) | 0b10 << 62))


def offline_session(ended: datetime, product: str = "exercises", **fields: Any) -> dict[str, Any]:
    """Returns a completed session of ten minutes that ended at an instant, as an item to sync."""
    told = {
        "client_id": uuid7(ended),
        "product": product,
        "start_time": (ended - timedelta(minutes=10)).isoformat(),
        "end_time": ended.isoformat(),
        "time_zone": "Asia/Tokyo",
        "outcome": "completed",
    }
    return {"session": {**told, **fields}}


def offline_answer(given: datetime, item: str = "exercises/123", **fields: Any) -> dict[str, Any]:
    """Returns an answer given at an instant, `hable` unless told otherwise."""
    told = {"answer_id": uuid7(given), "item": item, "text": "hable", "answer_time": given.isoformat()}
    return {**told, "time_taken_seconds": 4.5, **fields}
