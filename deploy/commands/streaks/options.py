"""What the commands about streaks have in common: the option of a product, and the client."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from deploy.commands.streaks.client import StreakAdminClient

Product = Annotated[str, typer.Option("--product", "-p", help="The product; `all` for all of them together.")]


def streak_client() -> AbstractContextManager[StreakAdminClient]:
    """Returns a client of the service; a failed call ends the command with its reason."""
    from deploy.commands.admin_client import open_client  # noqa: PLC0415 - slow to import
    from deploy.commands.streaks.client import StreakAdminClient  # noqa: PLC0415 - as above, and needs the generated stubs

    return open_client(StreakAdminClient)
