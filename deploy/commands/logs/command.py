"""Shows what processes wrote: one log as it is, or all of them merged in the order of time."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import typer

from deploy.commands.logs.entries import Entry, Parser, last, merged
from deploy.faults import CommandError

_LOOK_SECONDS = 0.3


def show_log(log: Path, *, follow: bool, lines: int) -> None:
    """Shows one log as it is. Raises CommandError with the names of those that are there."""
    if not log.exists():
        known = ", ".join(path.stem for path in all_logs(log.parent)) or "none yet"
        raise CommandError(f"there is no log of {log.stem!r}; there are: {known}")
    command = ["tail", "-n", str(lines), *(["-F"] if follow else []), str(log)]
    raise typer.Exit(subprocess.run(command, check=False).returncode)


def show_merged(logs: list[Path], request: str, *, follow: bool, lines: int) -> None:
    """Shows several logs as one, each line with its process's name, or only what has a request's id."""
    if not logs:
        raise CommandError("there are no logs yet: `make up` starts everything")
    following = Following(logs) if follow else None
    entries: Iterable[Entry] = (entry for entry in merged(logs) if not request or entry.has(request))
    width = max(len(log.stem) for log in logs)
    # All there is of a request; of everything, its end.
    shown = 0
    for entry in entries if request else last(entries, lines):
        _print(entry, width)
        shown += 1
    if request and not shown and not follow:
        raise CommandError(f"no log has the request {request}")
    sys.stdout.flush()
    if following is not None:
        for entry in following.entries():
            if not request or entry.has(request):
                _print(entry, width)
                sys.stdout.flush()


def all_logs(directory: Path) -> list[Path]:
    """Returns every process's log by name."""
    return sorted(directory.glob("*.log"))


class Following:
    """Goes on from where logs end now."""

    def __init__(self, logs: Iterable[Path]) -> None:
        self._ends = {log: log.stat().st_size for log in logs}
        self._parsers = {log: Parser(log.stem) for log in self._ends}

    def entries(self) -> Iterator[Entry]:
        """Yields what is new, for ever: at each look, in the order of time."""
        while True:
            yield from self.look()
            time.sleep(_LOOK_SECONDS)

    def look(self) -> list[Entry]:
        """Returns the entries that came since the last look."""
        found = [entry for log in self._ends for entry in self._new(log)]
        return sorted(found, key=lambda entry: entry.at)

    def _new(self, log: Path) -> Iterator[Entry]:
        parser = self._parsers[log]
        try:
            with log.open("rb") as file:
                # It begins anew when it was put aside.
                start = self._ends[log] if log.stat().st_size >= self._ends[log] else 0
                file.seek(start)
                text = file.read()
        except FileNotFoundError:
            return
        whole = text[: text.rfind(b"\n") + 1]
        self._ends[log] = start + len(whole)
        for line in whole.decode(errors="replace").splitlines():
            if entry := parser.take(line):
                yield entry
        if entry := parser.end():
            yield entry


def _print(entry: Entry, width: int) -> None:
    for line in entry.lines:
        print(f"{entry.name:<{width}} | {line}")
