"""Shows how far a recalculation is and what it found: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from practice.stats.v1 import recalculation_service_pb2 as pb

# Of a person, on one line each.
_ROWS_SHOWN = 3


class _Rate(ProgressColumn):
    """Completions a second."""

    def render(self, task: Task) -> Text:
        """Says the rate once it is known."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "-/s")


class Watching:
    """A context manager whose `report` takes what the service says. Writes to the standard error."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[people]:,} people, {task.fields[completions]:,} completions"),
            _Rate(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            speed_estimate_period=60,
        )
        self._task = self._progress.add_task("recalculating", people=0, completions=0, total=None)

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
            people=job.people_count,
            completions=job.completion_count,
        )


def summary(job: pb.Recalculation) -> str:
    """What a job did, as a line."""
    end = job.finish_time if job.HasField("finish_time") else job.cancel_time
    seconds = (end.ToNanoseconds() - job.create_time.ToNanoseconds()) / 1e9
    looked = f"{job.people_count:,} people, {job.completion_count:,} completions in {seconds:.1f} s"
    wrong = f"{job.wrong_people_count:,} {'person' if job.wrong_people_count == 1 else 'people'}"
    if job.shadow:
        return f"compared {looked}: {wrong} with differences, nothing changed"
    return f"recalculated {looked}: {wrong} brought up to date, {job.changed_row_count:,} rows written"


def show_tables(tables: Sequence[pb.TableDifference]) -> None:
    """Shows what differs in sum."""
    table = Table(box=None, pad_edge=False)
    table.add_column("table", no_wrap=True)
    for column in ("people", "missing", "surplus", "changed"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("stored is too high by", overflow="fold")
    for each in tables:
        counts = (each.people_count, each.missing_row_count, each.surplus_row_count, each.changed_row_count)
        off = ", ".join(f"{name} {value:+,}" for name, value in sorted(each.excess.items()) if value)
        table.add_row(each.table, *(f"{count:,}" for count in counts), off or "-")
    Console().print(table)


def show_people(people: Sequence[pb.UserDifference]) -> None:
    """Shows what differs for some people."""
    table = Table(box=None, pad_edge=False)
    table.add_column("user", justify="right", no_wrap=True)
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("such as", overflow="fold")
    for person in people:
        examples = [_spoken(row) for row in person.rows[:_ROWS_SHOWN]]
        table.add_row(str(person.user_id), str(person.row_count), "\n".join(examples))
    Console().print(table)


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
