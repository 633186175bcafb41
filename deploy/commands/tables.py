"""Tables of the commands: whole in a pipe, folded on a terminal, and ids never broken."""

from __future__ import annotations

import sys
from uuid import UUID

from rich.console import Console
from rich.table import Table

# As wide as a table gets where no terminal has an edge.
_UNBOUNDED = 100_000
ID_WIDTH = len(str(UUID(int=0)))


def plain_table(*columns: str) -> Table:
    """Returns a table without lines whose columns fold at their width."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def add_ids(table: Table, column: str) -> None:
    """Adds a column of ids: they are there to be copied, so none is ever shortened or broken."""
    table.add_column(column, no_wrap=True, min_width=ID_WIDTH)


def output() -> Console:
    """Returns the standard output: a terminal as wide as it is, anything else as wide as need be."""
    return Console(highlight=False) if sys.stdout.isatty() else Console(width=_UNBOUNDED, highlight=False)


def show(table: Table) -> None:
    """Prints a table; lines do not end in spaces."""
    console = output()
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))
