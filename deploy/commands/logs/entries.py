"""Reads the logs of all processes as one: entries with their instant, in the order of time."""

from __future__ import annotations

import heapq
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

# 2026-11-28T21:00:00.123456Z of our own lines, 2026-11-28 21:00:00.123 UTC of PostgreSQL,
# 2026-11-28 21:00:00,123 of the supervisor, [2026-11-28 21:00:00.123] of Envoy.
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)[.,](\d{1,6})(Z|[+-]\d\d:?\d\d)?")
# 28 Nov 2026 21:00:00.123 of Redis and Valkey.
_SPOKEN = re.compile(r"\b(\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d:\d\d:\d\d)\.(\d{3})")
# An instant stands near the beginning, or as a field of a JSON object.
_NEAR = 80
_FIELD = re.compile(r'"(?:timestamp|time)": ?"([^"]+)"')
# These write the time of this machine.
_LOCAL = ("supervisor", "redis")
_FIRST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line with the lines that belong to it, such as those of a traceback."""

    at: datetime
    name: str
    lines: tuple[str, ...]

    def has(self, text: str) -> bool:
        """Tells whether the text stands in it as a whole word."""
        whole = re.compile(rf"(?<![\w-]){re.escape(text)}(?![\w-])")
        return any(whole.search(line) for line in self.lines)


class Parser:
    """Makes entries of the lines of one log."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._open: Entry | None = None

    def take(self, line: str) -> Entry | None:
        """Takes a line; returns the entry that it ends, if it begins another."""
        at = instant_of(line, local=self._name in _LOCAL)
        # An object is a line of its own, even without an instant.
        if at is None and self._open is not None and not line.startswith("{"):
            self._open = replace(self._open, lines=(*self._open.lines, line))
            return None
        ended, self._open = self._open, Entry(at or _FIRST, self._name, (line,))
        return ended

    def end(self) -> Entry | None:
        """Returns the entry that no further line ended."""
        ended, self._open = self._open, None
        return ended


def instant_of(line: str, *, local: bool = False) -> datetime | None:
    """Returns the instant that a line begins with or tells as its timestamp."""
    told = _FIELD.search(line) if line.startswith("{") else None
    text = told[1] if told else line[:_NEAR]
    if match := _INSTANT.search(text):
        day, clock, fraction, zone = match.groups()
        at = datetime.fromisoformat(
            f"{day}T{clock}.{fraction:0<6}{'+00:00' if zone in (None, 'Z') else zone}"
        )
        return at.replace(tzinfo=None).astimezone(UTC) if local and zone is None else at
    if match := _SPOKEN.search(text):
        day, month, year, clock, fraction = match.groups()
        parsed = datetime.strptime(f"{day} {month} {year} {clock}.{fraction}", "%d %b %Y %H:%M:%S.%f")  # noqa: DTZ007
        return parsed.astimezone(UTC)
    return None


def read(log: Path) -> Iterator[Entry]:
    """Yields the entries of a log from its older part on, each no earlier than the one before."""
    parser, latest = Parser(log.stem), _FIRST
    for entry in _ended(parser, log):
        latest = max(latest, entry.at)
        yield replace(entry, at=latest)


def merged(logs: Iterable[Path]) -> Iterator[Entry]:
    """Yields the entries of several logs in the order of time."""
    return heapq.merge(*(read(log) for log in logs), key=lambda entry: entry.at)


def last(entries: Iterable[Entry], count: int) -> Iterable[Entry]:
    """Returns the last so many."""
    return deque(entries, maxlen=count)


def _ended(parser: Parser, log: Path) -> Iterator[Entry]:
    for path in (*older(log), log):
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                for line in file:
                    if entry := parser.take(line.rstrip("\n")):
                        yield entry
        except FileNotFoundError:
            continue
    if entry := parser.end():
        yield entry


def older(log: Path) -> list[Path]:
    """Returns the parts of a log that were put aside, the oldest first."""
    found = [path for path in log.parent.glob(f"{log.name}.*") if path.suffix[1:].isdecimal()]
    return sorted(found, key=lambda path: -int(path.suffix[1:]))
