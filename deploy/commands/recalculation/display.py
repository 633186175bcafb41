"""Shows how far a recalculation is and what it found: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from deploy.commands.stall import PATIENCE_SECONDS, StallDetector
from deploy.commands.tables import show

if TYPE_CHECKING:
    from practice.stats.v1 import recalculation_service_pb2 as pb

# Of a learner, on one line each.
_ROWS_SHOWN = 3
# Seconds from a plain line to the next.
_LINE_SECONDS = 5.0


class _Rate(ProgressColumn):
    """Completions a second."""

    def render(self, task: Task) -> Text:
        """Says the rate once it is known."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "-/s")


class Watching:
    """A context manager whose `report` takes what the service says. Writes to the standard error."""

    def __init__(
        self, console: Console | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._console = console or Console(stderr=True)
        self._monotonic = monotonic
        self._standstill = StallDetector(monotonic=monotonic)
        self._last_error = ""
        self._last_line = ""
        self._next_line = 0.0
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[learners]:,} learners, {task.fields[completions]:,} completions"),
            _Rate(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
            get_time=monotonic,
            speed_estimate_period=60,
        )
        self._task = self._progress.add_task("recalculating", learners=0, completions=0, total=None)

    def __enter__(self) -> Watching:
        self._progress.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._progress.stop()

    def report(self, job: pb.Recalculation) -> None:
        """Shows a state."""
        done = job.HasField("finish_time")
        total = max(1, job.expected_completion_count)
        self._progress.update(
            self._task,
            description="comparing" if job.shadow else "recalculating",
            total=total,
            completed=total if done else job.settled_completion_count,
            learners=job.learner_count,
            completions=job.completion_count,
        )
        ended = done or job.HasField("cancel_time")
        if not self._console.is_terminal and (ended or self._monotonic() >= self._next_line):
            self._next_line = self._monotonic() + _LINE_SECONDS
            if self._line() != self._last_line:
                self._last_line = self._line()
                self._say(self._last_line)
        if not ended:
            self._warn(job)

    def _warn(self, job: pb.Recalculation) -> None:
        if job.last_error and job.last_error != self._last_error:
            self._say(f"a part did not get on, and is tried again: {job.last_error}")
        self._last_error = job.last_error
        if self._standstill.detect((job.done_shard_count, job.failed_shard_count, job.changed_row_count)):
            self._say(
                f"nothing was done for {PATIENCE_SECONDS:.0f} s: does a recalculation worker run?"
                " (`practice status`, `practice logs recalculator`) The job waits for one;"
                " parts whose messages were lost are sent again by it after a minute"
            )

    def _line(self) -> str:
        task = self._progress.tasks[self._task]
        speed, left = task.finished_speed or task.speed, task.time_remaining
        return (
            f"{task.description} {task.percentage:.0f}%: {task.fields['learners']:,} learners,"
            f" {task.fields['completions']:,} completions"
            + (f", {speed:,.0f}/s" if speed else "")
            + (f", {left:.0f} s left" if left else "")
        )

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def summary(job: pb.Recalculation) -> str:
    """What a job did, as a line."""
    end = job.finish_time if job.HasField("finish_time") else job.cancel_time
    seconds = (end.ToNanoseconds() - job.create_time.ToNanoseconds()) / 1e9
    looked = f"{job.learner_count:,} learners, {job.completion_count:,} completions in {seconds:.1f} s"
    wrong = f"{job.wrong_learner_count:,} {'learner' if job.wrong_learner_count == 1 else 'learners'}"
    if job.shadow:
        return f"compared {looked}: {wrong} with differences, nothing changed"
    return f"recalculated {looked}: {wrong} brought up to date, {job.changed_row_count:,} rows written"


def show_tables(tables: Sequence[pb.TableDifference]) -> None:
    """Shows what differs in sum."""
    table = Table(box=None, pad_edge=False)
    table.add_column("table", no_wrap=True)
    for column in ("learners", "missing", "surplus", "changed"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("stored is too high by", overflow="fold")
    for each in tables:
        counts = (each.learner_count, each.missing_row_count, each.surplus_row_count, each.changed_row_count)
        off = ", ".join(f"{name} {value:+,}" for name, value in sorted(each.excess.items()) if value)
        table.add_row(each.table, *(f"{count:,}" for count in counts), off or "-")
    show(table)


def show_learners(learners: Sequence[pb.UserDifference]) -> None:
    """Shows what differs for some learners."""
    table = Table(box=None, pad_edge=False)
    table.add_column("user", justify="right", no_wrap=True)
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("such as", overflow="fold")
    for each in learners:
        examples = [_spoken(row) for row in each.rows[:_ROWS_SHOWN]]
        table.add_row(str(each.user_id), str(each.row_count), "\n".join(examples))
    show(table)


def _spoken(row: pb.RowDifference) -> str:
    stored = MessageToDict(row.stored) if row.HasField("stored") else None
    derived = MessageToDict(row.derived) if row.HasField("derived") else None
    some = stored if stored is not None else derived or {}
    name = " ".join([row.table, *_key(some)])
    if stored is None:
        return f"{name}: missing"
    if derived is None:
        return f"{name}: should not be there"
    changes = [
        f"{key} {_value(stored[key])} instead of {_value(derived[key])}"
        for key in derived
        if stored.get(key) != derived[key]
    ]
    return f"{name}: {', '.join(changes)}"


def _key(row: Mapping[str, Any]) -> list[str]:
    return [str(row[name]) for name in ("product", "local_date", "badge_id") if name in row]


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) and abs(value) < 1e6 else str(value)
