"""What an editor asks about badges before and after publishing them.

    practice badges list [--all]
    practice badges dry-run FILE|CONDITION [--id BADGE] [--users]

The running local stack is asked, or the service that STATS_ADDRESS and
INTERNAL_TOKEN_FILE name; there, without the local stack's packages, as
`python -m deploy.commands.badges.command list`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from deploy.commands.run import run
from deploy.commands.tables import show

if TYPE_CHECKING:
    from practice.stats.v1 import badge_service_pb2 as pb

    from deploy.commands.badges.client import BadgeAdminClient
    from deploy.commands.content.files import Entry

# How many learners a table names.
_SAMPLE = 10

app = typer.Typer(
    no_args_is_help=True, help="Show badges, and who would have a new one.", rich_markup_mode=None
)


@dataclass(slots=True)
class _Tried:
    """What a dry run of one badge has found so far."""

    badge_id: str
    earners: int = 0
    # The first of them.
    sample: list[int] = field(default_factory=list)
    holders: int = 0
    examined: int = 0

    def add(self, page: pb.DryRunBadgeResponse) -> None:
        self.earners += len(page.earners)
        self.sample += [earner.user_id for earner in page.earners[: _SAMPLE - len(self.sample)]]
        self.holders += page.holder_count
        self.examined += page.examined_count


@app.command("list")
def list_badges(
    every: Annotated[bool, typer.Option("--all", help="Show the replaced versions too.")] = False,
) -> None:
    """Show the badges that were published, drafts and locked ones too."""
    with _client() as client:
        versions = list(client.versions(newest_only=not every))
    table = Table(box=None, pad_edge=False)
    for column in ("badge", "version", "state", "", "days", "name", "condition"):
        table.add_column(column, overflow="fold")
    for version in versions:
        badge = version.definition
        state = "replaced" if version.HasField("replace_time") else _state(version)
        days = f"{badge.first_date or '...'} to {badge.last_date or '...'}" if _has_window(version) else ""
        hidden = "hidden" if badge.hidden else ""
        table.add_row(badge.badge_id, str(badge.version), state, hidden, days, badge.name, badge.condition)
    show(table)


@app.command("dry-run")
def dry_run(
    badge: Annotated[str, typer.Argument(metavar="FILE|CONDITION", help="Badges in a file, or a condition.")],
    only: Annotated[
        list[str] | None, typer.Option("--id", help="Of the file, try this badge only; again for more.")
    ] = None,
    users: Annotated[bool, typer.Option("--users", help="Name everybody, one a line.")] = False,
) -> None:
    """Show how many learners would have a badge if it were published now, and who. Changes nothing."""
    entries = _entries(badge, only or ())
    with _client() as client:
        tried = [_try(client, entry, name_users=users) for entry in entries]
    if not users:
        show(_table(tried))


def _try(client: BadgeAdminClient, entry: Entry, *, name_users: bool) -> _Tried:
    tried = _Tried(str(entry.get("badge_id", "")) or "(condition)")
    with _progress(shown=not (name_users and sys.stdout.isatty())) as progress:
        task = progress.add_task(tried.badge_id, total=None)
        for page in client.dry_run(entry):
            tried.add(page)
            for earner in page.earners if name_users else ():
                print(tried.badge_id, earner.user_id, earner.award_time.ToJsonString())
            # The total is told on the first page; None keeps it.
            progress.update(task, completed=tried.examined, total=page.learner_count or None)
    return tried


def _progress(*, shown: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # On the error stream, so that the answer can be piped.
    console = Console(stderr=True)
    visible = shown and console.is_terminal
    return Progress(*columns, console=console, transient=True, redirect_stdout=False, disable=not visible)


def _entries(badge: str, only: Sequence[str]) -> Sequence[Entry]:
    """The badges of a file, or one of a condition; a fault ends the command with its line."""
    from deploy.commands.content.chosen import read_chosen  # noqa: PLC0415 - needs what reads conditions
    from deploy.commands.content.schema import BADGES  # noqa: PLC0415 - as above

    file = Path(badge)
    if file.suffix not in (".yaml", ".yml"):
        return [{"condition": badge}]
    return read_chosen(file, BADGES, key="badge_id", only=only)


def _table(tried: Sequence[_Tried]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("badge")
    for column in ("would get it", "have it", "examined"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("users", overflow="fold")
    for one in tried:
        names = [*map(str, one.sample), *(["..."] if one.earners > _SAMPLE else [])]
        counts = (f"{count:,}" for count in (one.earners, one.holders, one.examined))
        table.add_row(one.badge_id, *counts, " ".join(names))
    return table


def _state(version: pb.BadgeVersion) -> str:
    from practice.stats.v1 import progress_pb2  # noqa: PLC0415 - slow to import

    name = progress_pb2.BadgeState.Name(version.definition.state)
    return name.removeprefix("BADGE_STATE_").lower()


def _has_window(version: pb.BadgeVersion) -> bool:
    return bool(version.definition.first_date or version.definition.last_date)


def _client() -> AbstractContextManager[BadgeAdminClient]:
    """Returns a client of the service; a failed call ends the command with its reason."""
    from deploy.commands.admin_client import open_client  # noqa: PLC0415 - slow to import
    from deploy.commands.badges.client import BadgeAdminClient  # noqa: PLC0415 - as above, and needs the generated stubs

    return open_client(BadgeAdminClient)


if __name__ == "__main__":
    run(app)
