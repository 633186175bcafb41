"""The argument by which commands name a user: a number or an e-mail address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from deploy.faults import CommandError

if TYPE_CHECKING:
    from practice.identity.v1 import account_pb2

LARGEST_NUMBER = 2**63 - 1


class NobodyError(CommandError):
    """Nobody is known by that number or address."""


def parse_user(who: str) -> int | str:
    """Returns a number, or an address. Raises BadParameter for what is neither."""
    text = who.strip()
    if text.isascii() and text.isdecimal():
        number = int(text)
        if 0 < number <= LARGEST_NUMBER:
            return number
    elif "@" in text:
        return text
    raise typer.BadParameter(f"{who!r} is no account's number and no e-mail address")


def find_account(who: int | str) -> account_pb2.Account:
    """Returns the account of a user. Raises CommandError."""
    from deploy.commands.accounts.client import AccountAdminClient  # noqa: PLC0415 - slow to import, and needs the generated stubs
    from deploy.commands.admin_client import CallFailedError, open_client  # noqa: PLC0415 - as above

    try:
        with open_client(AccountAdminClient) as client:
            return client.find(who)
    except CallFailedError as error:
        if error.not_found:
            raise NobodyError(f"there is no account {who}") from error
        raise


def number_of(who: str) -> int:
    """Returns an account's number; an e-mail address is looked up. Raises BadParameter, CommandError."""
    known = parse_user(who)
    return known if isinstance(known, int) else int(find_account(known).user_id)


def number_of_somebody(who: str) -> int:
    """Returns the number of an account that there is. Raises BadParameter, CommandError.

    Only what the identity service knows for sure counts: accounts may be kept elsewhere.
    """
    known = parse_user(who)
    try:
        return int(find_account(known).user_id)
    except NobodyError:
        raise
    except CommandError:
        if isinstance(known, int):
            return known
        raise


# A user, in every command that is about one.
_USER = {"metavar": "USER", "help": "The account's number, or its e-mail address."}
User = Annotated[int, typer.Argument(parser=number_of_somebody, **_USER)]
# The same where the account may be gone already.
FormerUser = Annotated[int, typer.Argument(parser=number_of, **_USER)]
