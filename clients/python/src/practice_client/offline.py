"""What is practised without a network: kept in a file, handed in when there is one, counted once."""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from practice_client._model import to_json
from practice_client.api.v1_models import RefusedAnswer, SyncSessionsResponse

# What one call hands in: the platform takes more, and a phone's network less at a time.
_MOST_ITEMS, _MOST_BYTES = 200, 512 * 1024
_ON_RECORD = frozenset({"OUTCOME_MERGED", "OUTCOME_ALREADY_KNOWN"})
_SCHEMA = """
CREATE TABLE IF NOT EXISTS items (
  id TEXT PRIMARY KEY, item TEXT NOT NULL, batch TEXT, refusal TEXT
)
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """Items that are handed in together, under one key however often they are sent."""

    key: str
    item_ids: Sequence[str]
    items: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An item that the platform did not take: its id, what it was, and why."""

    item_id: str
    item: Mapping[str, Any]
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What became of what was handed in; `refused_answers` are those of sessions that are on record."""

    merged: int = 0
    already_known: int = 0
    refused: int = 0
    refused_answers: tuple[RefusedAnswer, ...] = ()

    def __add__(self, other: SyncReport) -> SyncReport:
        """Returns both together."""
        return SyncReport(
            self.merged + other.merged,
            self.already_known + other.already_known,
            self.refused + other.refused,
            self.refused_answers + other.refused_answers,
        )


class OfflineQueue:
    """Sessions and answers of one learner that wait for a network, in an SQLite file.

    What was added is in the file when `add_...` returns, and leaves it when the platform has it. Whatever
    happens between, also the end of this process, it is handed in again and counted once.
    """

    def __init__(self, file: str | Path) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(file, timeout=30.0, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute(_SCHEMA)

    def close(self) -> None:
        """Closes the file."""
        self._database.close()

    def add_session(
        self,
        *,
        product: str,
        start_time: datetime,
        end_time: datetime,
        outcome: str,
        time_zone: str,
        answers: Sequence[Mapping[str, Any]] = (),
        **fields: Any,
    ) -> str:
        """Adds a session that began and ended offline, with its answers, and returns its id.

        `fields` are the others of `OfflineSession`, such as `content`, `elapsed_seconds` or `note`.
        """
        client_id = new_id()
        session = {
            "client_id": client_id,
            **{"product": product, "start_time": start_time, "end_time": end_time, "outcome": outcome},
            **{"time_zone": time_zone, **fields},
            "answers": [{"answer_id": new_id(), **each} for each in answers],
        }
        self._add(client_id, {"session": session})
        return client_id

    def add_answer(self, *, session: str, item: str, text: str, answer_time: datetime, **fields: Any) -> str:
        """Adds an answer given offline in a session that was started online, and returns its id."""
        answer_id = new_id()
        answer = {"answer_id": answer_id, "session": session, "item": item, "text": text}
        self._add(answer_id, {"answer": {**answer, "answer_time": answer_time, **fields}})
        return answer_id

    def __len__(self) -> int:
        """Returns how many items wait to be handed in."""
        with self._transaction() as rows:
            return int(rows.execute("SELECT count(*) FROM items WHERE refusal IS NULL").fetchone()[0])

    def refusals(self) -> list[Refusal]:
        """Returns the items that the platform did not take."""
        with self._transaction() as rows:
            found = rows.execute(
                "SELECT id, item, refusal FROM items WHERE refusal IS NOT NULL ORDER BY rowid"
            )
            return [Refusal(each[0], json.loads(each[1]), **json.loads(each[2])) for each in found]

    def retry(self, item_id: str) -> None:
        """Lets a refused item be handed in again."""
        with self._transaction() as rows:
            rows.execute("UPDATE items SET refusal = NULL, batch = NULL WHERE id = ?", (item_id,))

    def discard(self, item_id: str) -> None:
        """Drops a refused item."""
        with self._transaction() as rows:
            rows.execute("DELETE FROM items WHERE id = ? AND refusal IS NOT NULL", (item_id,))

    def next_batch(self) -> Batch | None:
        """Returns what is to be handed in next: a batch that was begun, or a new one, or None."""
        with self._transaction() as rows:
            begun = rows.execute(
                "SELECT batch FROM items WHERE refusal IS NULL AND batch IS NOT NULL LIMIT 1"
            )
            found = begun.fetchone()
            key = found[0] if found else self._begin(rows)
            chosen = "SELECT id, item FROM items WHERE refusal IS NULL AND batch = ? ORDER BY rowid"
            items = rows.execute(chosen, (key,)).fetchall()
        return (
            Batch(key, [each[0] for each in items], [json.loads(each[1]) for each in items])
            if items
            else None
        )

    def settle(self, batch: Batch, answer: SyncSessionsResponse) -> SyncReport:
        """Lets go of what the platform has, and keeps what it refused, with its reason."""
        merged = known = refused = 0
        answers: list[RefusedAnswer] = []
        with self._transaction() as rows:
            for item_id, result in zip(batch.item_ids, answer.results, strict=True):
                if result.outcome in _ON_RECORD:
                    rows.execute("DELETE FROM items WHERE id = ?", (item_id,))
                    merged += result.outcome == "OUTCOME_MERGED"
                    known += result.outcome != "OUTCOME_MERGED"
                    answers += result.refused_answers
                else:
                    refusal = json.dumps(_refusal(to_json(result)))
                    rows.execute("UPDATE items SET refusal = ? WHERE id = ?", (refusal, item_id))
                    refused += 1
        return SyncReport(merged, known, refused, tuple(answers))

    def _add(self, item_id: str, item: Mapping[str, Any]) -> None:
        text = json.dumps(to_json(item), ensure_ascii=False)
        with self._transaction() as rows:
            rows.execute("INSERT INTO items (id, item) VALUES (?, ?)", (item_id, text))

    def _begin(self, rows: sqlite3.Connection) -> str:
        """Makes the oldest items a batch, and returns its key."""
        key, size = str(uuid.uuid4()), 0
        waiting = (
            "SELECT id, length(CAST(item AS BLOB)) FROM items WHERE refusal IS NULL ORDER BY rowid LIMIT ?"
        )
        for item_id, length in rows.execute(waiting, (_MOST_ITEMS,)).fetchall():
            if size and size + length > _MOST_BYTES:
                break
            rows.execute("UPDATE items SET batch = ? WHERE id = ?", (key, item_id))
            size += length
        return key

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")


def new_id() -> str:
    """Returns a UUIDv7, which names an item for ever."""
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=value))


def _refusal(result: Mapping[str, Any]) -> Mapping[str, str]:
    error = result.get("error") or {}
    reasons = (detail.get("reason", "") for detail in error.get("details", ()))
    return {"reason": next(filter(None, reasons), ""), "message": str(error.get("message", ""))}
