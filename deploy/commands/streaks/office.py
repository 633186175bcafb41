"""Opens the office that commands about streaks ask."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.commands.service_settings import service_setting

if TYPE_CHECKING:
    from deploy.commands.streaks.client import StreakOffice

User = Annotated[int, typer.Argument(min=1, help="The account's number.")]
Product = Annotated[str, typer.Option("--product", "-p", help="The product; `all` for all of them together.")]


@contextmanager
def office() -> Iterator[StreakOffice]:
    """The office of the service; a failed call ends the command with its reason."""
    from deploy.commands.streaks import client as streaks  # noqa: PLC0415 - slow to import, and needs the generated stubs

    address, token_file = (service_setting(name) for name in ("STATS_ADDRESS", "INTERNAL_TOKEN_FILE"))
    try:
        with streaks.open_office(address, Path(token_file).read_text().strip()) as opened:
            yield opened
    except streaks.StreaksFailedError as error:
        sys.exit(f"error: {error}")
