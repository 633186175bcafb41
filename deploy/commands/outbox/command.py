"""What an operator does about events that have not arrived.

    practice outbox list | requeue [EVENT_ID ...]

The running local stack is asked, or the service that SESSION_ADDRESS and
INTERNAL_TOKEN_FILE name; there, without the local stack's packages, as
`python -m deploy.commands.outbox.command list`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from rich.table import Table

from deploy.commands.run import run
from deploy.commands.tables import ID_WIDTH, show

if TYPE_CHECKING:
    from practice.session.v1 import outbox_admin_service_pb2 as pb

    from deploy.commands.outbox.client import OutboxAdminClient
    from deploy.local.stack import LocalStack

app = typer.Typer(
    no_args_is_help=True, help="Show and requeue the events that were given up.", rich_markup_mode=None
)


@app.command("list")
def list_dead_letters(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")] = 50,
) -> None:
    """Show the dead letters, the latest first, and how many events wait."""
    with _client() as client:
        state, letters = client.state(), client.dead_letters(limit)
    if letters:
        show(_table(letters))
    if len(letters) < state.dead_letter_count:
        print(f"... and {state.dead_letter_count - len(letters)} more: --limit shows them")
    print(f"{state.dead_letter_count} dead, {waiting(state)}")


@app.command()
def requeue(
    event_ids: Annotated[
        list[UUID] | None, typer.Argument(help="Dead letters; all when none is named.")
    ] = None,
) -> None:
    """Send dead letters again. Doing it again changes nothing."""
    with _client() as client:
        requeued = client.requeue([str(event_id) for event_id in event_ids or ()])
    print(f"requeued {requeued}")


def state_of(stack: LocalStack) -> pb.Outbox | None:
    """What waits and what was given up in a running stack; None when it cannot say."""
    from deploy.commands.admin_client import CallFailedError, connect  # noqa: PLC0415 - slow to import
    from deploy.commands.outbox.client import OutboxAdminClient  # noqa: PLC0415 - as above, and needs the generated stubs

    settings = stack.settings.values()
    token = Path(settings["INTERNAL_TOKEN_FILE"]).read_text().strip()
    try:
        with connect(OutboxAdminClient, settings["SESSION_ADDRESS"], token) as client:
            return client.state()
    except CallFailedError:
        return None


def _client() -> AbstractContextManager[OutboxAdminClient]:
    """Returns a client of the service; a failed call ends the command with its reason."""
    from deploy.commands.admin_client import open_client  # noqa: PLC0415 - slow to import
    from deploy.commands.outbox.client import OutboxAdminClient  # noqa: PLC0415 - as above, and needs the generated stubs

    return open_client(OutboxAdminClient)


def _table(letters: Sequence[pb.DeadLetter]) -> Table:
    table = Table(box=None, pad_edge=False)
    # An id is there to be copied: it is never shortened or broken.
    table.add_column("event", no_wrap=True, min_width=ID_WIDTH)
    for column in ("user", "place", "attempts"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("kind", overflow="fold")
    table.add_column("given up", overflow="fold")
    table.add_column("why", overflow="fold")
    for letter in letters:
        died = letter.dead_time.ToDatetime(UTC).isoformat(" ", "seconds")
        numbers = map(str, (letter.user_id, letter.user_seq, letter.attempts))
        table.add_row(letter.event_id, *numbers, letter.kind, died, letter.last_error)
    return table


def waiting(state: pb.Outbox) -> str:
    """Says how many events wait and for how long."""
    if not state.waiting_count:
        return "none waiting"
    age = timedelta(seconds=state.oldest_waiting_age.seconds)
    return f"{state.waiting_count} waiting, the oldest for {age}"


if __name__ == "__main__":
    run(app)
