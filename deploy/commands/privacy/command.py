"""What an operator does when a user asks for their data, or to be forgotten.

    practice export USER --to FILE.zip
    practice erase USER
    practice receipt RECEIPT_ID

The running local stack is asked, or the service that IDENTITY_ADDRESS and
INTERNAL_TOKEN_FILE name; there, without the local stack's packages, as
`python -m deploy.commands.privacy.command export USER --to FILE.zip`.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import DownloadColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table

from deploy.commands.accounts.users import FormerUser, User
from deploy.commands.run import run
from deploy.commands.tables import show
from deploy.faults import CommandError

if TYPE_CHECKING:
    from practice.identity.v1 import privacy_service_pb2 as pb

    from deploy.commands.privacy.client import PrivacyAdminClient

app = typer.Typer(
    no_args_is_help=True, help="Give users their data, and forget users.", rich_markup_mode=None
)


@app.command()
def export(user: User, to: Annotated[Path, typer.Option("--to", help="Where the ZIP archive goes.")]) -> None:
    """Write everything that is kept of a user into an archive."""
    if to.exists():
        raise CommandError(f"{to} is there already: name another file with --to, or move that one away")
    if not to.parent.is_dir():
        raise CommandError(f"{to.parent} is no directory: make it, or name another file with --to")
    # Under its name only once it is whole.
    draft = to.with_name(f"{to.name}.part")
    try:
        with _client() as client, draft.open("wb") as file, _progress(f"account {user}") as progress:
            for piece in client.export(user):
                file.write(piece)
                progress.update(progress.task_ids[0], advance=len(piece))
        draft.rename(to)
    finally:
        draft.unlink(missing_ok=True)
    print(f"wrote {to}")


@app.command()
def erase(user: FormerUser, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Erase a user everywhere, for good. Doing it again shows the receipt."""
    if not yes:
        typer.confirm(f"Erase account {user} and everything of it, for good?", abort=True)
    with _client() as client, Console(stderr=True).status(f"erasing account {user}"):
        told = client.erase(user)
    _show(told)


@app.command()
def receipt(receipt_id: Annotated[UUID, typer.Argument(help="As the erasure told it.")]) -> None:
    """Show the receipt of an erasure."""
    with _client() as client:
        told = client.receipt(str(receipt_id))
    _show(told)


def _show(receipt: pb.ErasureReceipt) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("service")
    table.add_column("what")
    table.add_column("removed", justify="right")
    table.add_column("corrected", justify="right")
    for part in receipt.services:
        if not part.complete:
            table.add_row(part.service, "has not answered yet", "-", "-")
        for removed in part.removed:
            table.add_row(part.service, removed.category, str(removed.count), "")
        for corrected in part.corrected:
            table.add_row(part.service, corrected.what, "", str(corrected.count))
    show(table)
    print(f"receipt {receipt.receipt_id} of account {receipt.account_number}")
    if receipt.complete:
        print(f"complete, sha256 {receipt.sha256}")
    else:
        print(f"not complete yet: `practice receipt {receipt.receipt_id}` shows how it goes on")


def _progress(what: str) -> Progress:
    # On the error channel, so that the output stays what it is.
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn(what), DownloadColumn())
    progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    progress.add_task(what, total=None)
    return progress


def _client() -> AbstractContextManager[PrivacyAdminClient]:
    """Returns a client of the service; a failed call ends the command with its reason."""
    from deploy.commands.admin_client import open_client  # noqa: PLC0415 - slow to import
    from deploy.commands.privacy.client import PrivacyAdminClient  # noqa: PLC0415 - as above, and needs the generated stubs

    return open_client(PrivacyAdminClient)


if __name__ == "__main__":
    run(app)
