"""How often the supervisor started a process again, read from the supervisor's own log."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

_BEGINS = re.compile(r"supervisord started with pid \d+$")
_EXITED = re.compile(r" (?:INFO|WARN) exited: (\S+) \(")


def count(log: Path) -> Counter[str]:
    """Returns how often each process ended by itself, and was started again, since the supervisor began.

    What was stopped on order is not among them. Counts what the log still holds.
    """
    found: Counter[str] = Counter()
    for path in (log.with_name(f"{log.name}.1"), log):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        for line in text.splitlines():
            if _BEGINS.search(line):
                found.clear()
            elif exited := _EXITED.search(line):
                found[exited[1]] += 1
    return found
