"""How commands name a person: by number, or by e-mail address."""

from __future__ import annotations

from typing import Annotated

import typer

from deploy.commands.service_settings import opened
from deploy.faults import CommandError

LARGEST_NUMBER = 2**63 - 1


def parsed(who: str) -> int | str:
    """Returns a number, or an address. Raises BadParameter for what is neither."""
    text = who.strip()
    if text.isascii() and text.isdecimal():
        number = int(text)
        if 0 < number <= LARGEST_NUMBER:
            return number
    elif "@" in text:
        return text
    raise typer.BadParameter(f"{who!r} is no account's number and no e-mail address")


def number_of(who: str) -> int:
    """Returns an account's number; an e-mail address is looked up. Raises BadParameter, CommandError."""
    known = parsed(who)
    if isinstance(known, int):
        return known
    from deploy.commands.accounts.client import open_office  # noqa: PLC0415 - slow to import, and needs the generated stubs

    try:
        with opened(open_office, "IDENTITY_ADDRESS") as office:
            return office.find(known).user_id
    except CommandError as error:
        raise CommandError(f"{known}: {error}") from error


# A person, in every command that is about one.
User = Annotated[
    int,
    typer.Argument(metavar="USER", parser=number_of, help="The account's number, or its e-mail address."),
]
