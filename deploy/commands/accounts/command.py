"""What an operator asks about accounts.

    practice user find EMAIL|NUMBER

The running local stack is asked, or the service that IDENTITY_ADDRESS and
INTERNAL_TOKEN_FILE name; there, without the local stack's packages, as
`python -m deploy.commands.accounts.command find EMAIL|NUMBER`.
"""

from __future__ import annotations

from datetime import UTC
from typing import Annotated

import typer

from deploy.commands.accounts.users import find_account, parse_user
from deploy.commands.run import run
from deploy.commands.tables import plain_table, show

app = typer.Typer(no_args_is_help=True, help="Find the account of a user.", rich_markup_mode=None)


@app.callback()
def user() -> None:
    """Find the account of a user."""


@app.command()
def find(
    who: Annotated[str, typer.Argument(metavar="EMAIL|NUMBER", help="What is known of the user.")],
) -> None:
    """Show the number, the name and the e-mail address of an account, and when it signed up."""
    account = find_account(parse_user(who))
    table = plain_table("number", "name", "email", "signed up")
    signed_up = account.create_time.ToDatetime(UTC).isoformat(" ", "seconds")
    name = " ".join(part for part in (account.first_name, account.last_name) if part)
    table.add_row(str(account.user_id), name, account.email, signed_up)
    show(table)


if __name__ == "__main__":
    run(app)
