"""Shows how a start or a stop proceeds: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from deploy.local.startup import Stage

FINISHED: dict[Stage, str] = {"healthy": "green", "done": "green", "stopped": "green", "failed": "red"}


class Progress:
    """A context manager whose `report` the stack calls. Writes to the standard error."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._rows: dict[str, tuple[Stage, str, float]] = {}
        self._live: Live | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def report(self, name: str, stage: Stage, detail: str) -> None:
        """Takes one change of one process or job."""
        seen = self._rows.get(name)
        since = seen[2] if seen else time.monotonic()
        if stage in ("starting", "running", "stopping") and (seen is None or seen[0] != stage):
            since = time.monotonic()
        self._rows[name] = (stage, detail, since)
        if not self._console.is_terminal:
            if stage != "waiting" and not (stage == "starting" and detail):
                self._console.print(f"{name:<15} {stage:<9} {detail}".rstrip())
            return
        if self._live is None:
            self._live = Live(get_renderable=self._table, console=self._console, refresh_per_second=8)
            self._live.start()
        self._live.refresh()

    def _table(self) -> Group:
        table = Table.grid(padding=(0, 2))
        for name, (stage, detail, since) in self._rows.items():
            if stage in FINISHED:
                mark: Text | Spinner = Text("x" if stage == "failed" else "\u2713", FINISHED[stage])
            elif stage == "waiting":
                mark = Text("\u00b7", "dim")
            else:
                mark = _spinner(name)
                detail = detail or f"{time.monotonic() - since:.0f} s"  # noqa: PLW2901
            table.add_row(mark, name, Text(stage, FINISHED.get(stage, "dim")), Text(detail, "dim"))
        return Group(table)


_SPINNERS: dict[str, Spinner] = {}


def _spinner(name: str) -> Spinner:
    # One for each row: a new spinner would start its animation again.
    return _SPINNERS.setdefault(name, Spinner("dots", style="cyan"))
