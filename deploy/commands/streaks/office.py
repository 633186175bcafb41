"""Opens the office that commands about streaks ask."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.commands.service_settings import opened

if TYPE_CHECKING:
    from deploy.commands.streaks.client import StreakOffice

Product = Annotated[str, typer.Option("--product", "-p", help="The product; `all` for all of them together.")]


def office() -> AbstractContextManager[StreakOffice]:
    """The office of the service; a failed call ends the command with its reason."""
    from deploy.commands.streaks.client import open_office  # noqa: PLC0415 - slow to import, and needs the generated stubs

    return opened(open_office, "STATS_ADDRESS")
