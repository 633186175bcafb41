"""What an operator does about a learner's streak.

    practice streak repair USER --product P --day D --reason TEXT
    practice streak grant-freeze USER --product P --reason TEXT
    practice streak entries USER

The running local stack is asked, or the service that STATS_ADDRESS and
INTERNAL_TOKEN_FILE name; there, without the local stack's packages, as
`python -m deploy.commands.streaks.command repair ...`.
"""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from deploy.commands.accounts.users import User
from deploy.commands.run import run
from deploy.commands.streaks.options import Product, streak_client
from deploy.commands.tables import show

if TYPE_CHECKING:
    from practice.stats.v1 import streak_pb2

app = typer.Typer(
    no_args_is_help=True, help="Repair streaks, grant freezes, show what is on record.", rich_markup_mode=None
)

Reason = Annotated[str, typer.Option("--reason", help="Why; it stays on record, and the learner is told.")]
Actor = Annotated[
    str, typer.Option("--actor", help="Who does it; the name of this machine's user if not given.")
]


@app.command()
def repair(
    user: User,
    day: Annotated[datetime, typer.Option("--day", formats=["%Y-%m-%d"], help="The missed day.")],
    reason: Reason,
    product: Product = "all",
    actor: Actor = "",
) -> None:
    """Keep a missed day that ended a streak. Doing it again is refused: the day is kept then."""
    from practice.stats.v1.streak_service_pb2 import RepairStreakRequest  # noqa: PLC0415 - slow to import

    request = RepairStreakRequest(
        user_id=user,
        product=product,
        date=f"{day:%Y-%m-%d}",
        actor=actor or getpass.getuser(),
        reason=reason,
    )
    with streak_client() as client:
        entry = client.repair(request)
    print(f"repaired {entry.first_date} of the streak of {entry.product}: entry {entry.entry_id}")


@app.command("grant-freeze")
def grant_freeze(user: User, reason: Reason, product: Product = "all", actor: Actor = "") -> None:
    """Grant a freeze, held from the learner's today on. Doing it again grants another."""
    from practice.stats.v1.streak_service_pb2 import GrantFreezeRequest  # noqa: PLC0415 - slow to import

    request = GrantFreezeRequest(
        user_id=user, product=product, actor=actor or getpass.getuser(), reason=reason
    )
    with streak_client() as client:
        entry = client.grant_freeze(request)
    print(
        f"granted a freeze for the streak of {entry.product} from {entry.first_date}: entry {entry.entry_id}"
    )


@app.command()
def entries(
    user: User, limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")] = 50
) -> None:
    """Show what is on record that keeps a learner's streaks, the newest first."""
    with streak_client() as client:
        found = client.entries(user, limit)
    if not found:
        print("nothing is on record")
        return
    table = Table(box=None, pad_edge=False)
    for column in ("recorded", "what", "streak", "day", "who", "why"):
        table.add_column(column, overflow="fold")
    for entry in found:
        recorded = entry.record_time.ToDatetime(UTC).isoformat(" ", "seconds")
        table.add_row(recorded, _kind(entry), entry.product, _days(entry), entry.actor, entry.reason)
    show(table)


def _kind(entry: streak_pb2.StreakEntry) -> str:
    name = entry.Kind.Name(entry.kind).removeprefix("KIND_").lower().replace("_", " ")
    return f"freeze {entry.source}" if entry.source else name


def _days(entry: streak_pb2.StreakEntry) -> str:
    if entry.last_date:
        return f"{entry.first_date} to {entry.last_date}"
    names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    rest = " ".join(names[weekday] for weekday in entry.weekdays)
    return f"{entry.first_date} {rest}".strip()


if __name__ == "__main__":
    run(app)
