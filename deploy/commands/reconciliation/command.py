"""What an operator does to have statistics compared with what happened, and healed.

    practice reconcile [--user N ...] [--all] [--deep]

The running local stack is asked, or the service that STATS_ADDRESS and
INTERNAL_TOKEN_FILE name; there, without the local stack's packages, as
`python -m deploy.commands.reconciliation.command`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from deploy.commands.accounts.users import number_of_somebody
from deploy.commands.run import run
from deploy.commands.stall import PATIENCE_SECONDS, StallDetector
from deploy.commands.tables import show

if TYPE_CHECKING:
    from practice.stats.v1 import reconciliation_service_pb2 as pb

    from deploy.commands.reconciliation.client import ReconciliationAdminClient

# How many learners a table names.
_SHOWN = 20
_LOOK_SECONDS = 0.25
# A healed event arrives within a round of the relay; longer, when there are many.
_ARRIVAL_SECONDS = 60.0

app = typer.Typer(help="Compare statistics with what happened.", rich_markup_mode=None)


@app.command()
def reconcile(
    users: Annotated[
        list[str] | None,
        typer.Option(
            "--user",
            metavar="USER",
            help="Compare this account, by number or e-mail; again for more.",
        ),
    ] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Compare everybody.")] = False,
    deep: Annotated[bool, typer.Option("--deep", help="Derive progress anew and compare every row.")] = False,
    settle: Annotated[
        float, typer.Option("--settle", min=0, help="Seconds that events are given to arrive.")
    ] = 60,
) -> None:
    """Compare the statistics of learners with what happened, and heal what differs.

    Without an account, learners are compared who had events in the last three
    days. Doing it again finds nothing more. Exits with 1 when something is left.
    """
    if users and everybody:
        sys.exit("error: --user or --all, not both")
    named = [number_of_somebody(who) for who in users or ()]
    with _client() as client:
        run = client.start(_request(named, everybody=everybody, deep=deep, settle=settle))
        try:
            run = _follow(client, run)
        except KeyboardInterrupt:
            print("the comparison goes on: asking for the same shows it again", file=sys.stderr)
            raise typer.Exit(130) from None
        learners = client.learners(run.run_id, _SHOWN)
    if learners:
        show(_table(learners))
    if len(learners) < run.different_count:
        print(f"... and {run.different_count - len(learners)} more")
    print(_summary(run))
    if run.last_error or run.whole_count < run.different_count:
        raise typer.Exit(1)


def _request(
    users: Sequence[int], *, everybody: bool, deep: bool, settle: float
) -> pb.StartReconciliationRequest:
    from google.protobuf.duration_pb2 import Duration  # noqa: PLC0415 - slow to import
    from practice.stats.v1 import reconciliation_service_pb2 as pb  # noqa: PLC0415 - as above

    scope = pb.RECONCILIATION_SCOPE_ALL if everybody else pb.RECONCILIATION_SCOPE_RECENT
    if users:
        scope = pb.RECONCILIATION_SCOPE_USERS
    return pb.StartReconciliationRequest(
        scope=scope,
        user_ids=users,
        deep=deep,
        settle=Duration(nanos=int(settle % 1 * 1e9), seconds=int(settle)),
    )


def _follow(client: ReconciliationAdminClient, run: pb.Reconciliation) -> pb.Reconciliation:
    """Shows how a run gets on until it is finished and what it healed has arrived."""
    standstill = StallDetector()
    with _progress() as progress:
        comparing = progress.add_task("compared", total=run.learner_count or None)
        arriving = progress.add_task("arrived", total=None, visible=False)
        deadline = float("inf")
        while not run.HasField("finish_time") or (_on_the_way(run) and time.monotonic() < deadline):
            time.sleep(_LOOK_SECONDS)
            run = client.get(run.run_id)
            if run.HasField("finish_time"):
                deadline = min(deadline, time.monotonic() + _ARRIVAL_SECONDS)
            progress.update(comparing, completed=run.compared_count, total=run.learner_count or None)
            healed, arrived = run.counts.republished_count, run.counts.arrived_count
            progress.update(arriving, completed=arrived, total=healed or None, visible=healed > 0)
            moving = (run.compared_count, run.different_count, arrived, run.HasField("finish_time"))
            if standstill.detect(moving):
                progress.console.print(_waiting(run), markup=False, highlight=False, soft_wrap=True)
    return run


def _waiting(run: pb.Reconciliation) -> str:
    if run.HasField("finish_time"):
        return "what was sent again has not arrived yet (`practice status`, `practice outbox list`)"
    reason = run.last_error or "does a recalculation worker run? (`practice status`)"
    return f"nothing was compared for {PATIENCE_SECONDS:.0f} s: {reason}"


def _on_the_way(run: pb.Reconciliation) -> bool:
    return run.counts.arrived_count < run.counts.republished_count


def _progress() -> Progress:
    # On the error channel, so that the output stays what it is.
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _table(learners: Sequence[pb.ReconciledLearner]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("user", "sent again", "arrived", "refused", "corrected", "unknown", "rows put right"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("")
    for each in learners:
        counts = each.counts
        numbers = (
            *(each.user_id, counts.republished_count, counts.arrived_count, counts.refused_count),
            *(counts.corrected_count, counts.orphan_count, counts.progress_row_count),
        )
        table.add_row(*map(str, numbers), "whole" if each.whole else "not whole yet")
    return table


def _summary(run: pb.Reconciliation) -> str:
    if run.last_error:
        return f"broken off after {run.compared_count} learners: {run.last_error}"
    compared = f"compared {run.compared_count} {'learner' if run.compared_count == 1 else 'learners'}"
    if not run.different_count:
        return f"{compared}: all agree"
    healed = run.counts
    return (
        f"{compared}: {run.different_count} differed, {run.whole_count} are whole;"
        f" {healed.republished_count} events sent again, {healed.arrived_count} arrived,"
        f" {healed.corrected_count} facts corrected, {healed.progress_row_count} rows put right,"
        f" {healed.orphan_count} facts nobody knows of, {healed.refused_count} refused"
    )


def _client() -> AbstractContextManager[ReconciliationAdminClient]:
    """Returns a client of the service; a failed call ends the command with its reason."""
    from deploy.commands.admin_client import open_client  # noqa: PLC0415 - slow to import
    from deploy.commands.reconciliation.client import ReconciliationAdminClient  # noqa: PLC0415 - as above, and needs the generated stubs

    return open_client(ReconciliationAdminClient)


if __name__ == "__main__":
    run(app)
