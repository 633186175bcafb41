"""Who was served together, seen at the store that serves them."""

from __future__ import annotations

from typing import Any

import pytest

from session_service.adapters.db.combined import RecentSession, RecentSessions
from session_service.application.ports.sessions import SessionRef


def count_lots(store: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Returns how many callers were served together, time by time."""
    counted: list[int] = []
    read = store.read

    async def count(asked: Any) -> Any:
        counted.append(len(asked))
        return await read(asked)

    monkeypatch.setattr(store, "read", count)
    return counted


def note_written(store: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Returns the numbers of the sessions that were written together, whatever had to go alone."""
    numbers: list[int] = []
    write = store.write

    async def note(*asked: Any) -> Any:
        written = await write(*asked)
        numbers.extend(written)
        return written

    monkeypatch.setattr(store, "write", note)
    return numbers


def note_missed(recent: RecentSessions, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Returns the numbers of the sessions that were looked for and not remembered, which are read then."""
    numbers: list[int] = []
    recall = recent.recall

    def note(user_id: int, ref: SessionRef) -> RecentSession | None:
        recalled = recall(user_id, ref)
        if recalled is None:
            numbers.append(ref.id)
        return recalled

    monkeypatch.setattr(recent, "recall", note)
    return numbers
