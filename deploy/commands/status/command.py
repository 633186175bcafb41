"""Shows every process of the local stack, and what waits in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

import typer
from rich.markup import escape
from rich.table import Table

from deploy.commands.outbox import command as outbox
from deploy.commands.tables import output, show
from deploy.local.stack import LocalStack, ProcessStatus

_MEBIBYTE = 1024 * 1024
_MINUTE, _HOUR = 60, 3600


def show_status(stack: LocalStack) -> None:
    """Prints the processes, what waits, and where to look. Exits with 1 unless all are healthy."""
    rows = [*stack.status(), stack.supervisor_status()]
    if not any(row.pid for row in rows):
        print("nothing runs: `make up` starts everything")
        raise typer.Exit(1)
    healthy = {row.name for row in rows if row.healthy}
    events = outbox.state_of(stack) if "session" in healthy else None
    show(_table(rows, stack.settings.external, events.waiting_count if events else None))
    print("memory: proportional set size of a process with its children; waiting: events not yet counted")
    print(f"logs: {stack.layout.home / 'log'} (`practice logs`)")
    if events is not None:
        print(f"events: {outbox.waiting(events)}")
        if events.dead_letter_count:
            output().print(
                f"[red]{events.dead_letter_count} events were given up:[/] `practice outbox list` shows them"
            )
    if "gateway" in healthy:
        print(f"gateway {stack.gateway_url}")
        token = stack.settings.values()["INTERNAL_TOKEN_FILE"]
        print(f"operators {stack.operators_url} (x-practice-internal: what {token} holds)")
    if not all(row.healthy for row in rows):
        raise typer.Exit(1)


def _table(rows: Sequence[ProcessStatus], external: Iterable[str], waiting: int | None) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("process", no_wrap=True)
    table.add_column("pid", justify="right", no_wrap=True)
    table.add_column("health", overflow="fold")
    for column in ("restarts", "uptime", "waiting", "memory"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        health = "[green]healthy[/]" if row.healthy else f"[red]{escape(row.problem or '')}[/]"
        events = str(waiting) if row.name == "relay" and waiting is not None else ""
        restarts = str(row.restarts) if row.pid else "-"
        cells = (health, restarts, _duration(row.uptime_seconds), events, _mebibytes(row.memory_bytes))
        table.add_row(row.name, str(row.pid or "-"), *cells)
    for name in external:
        table.add_row(name, "-", "given by its address", "-", "-", "", "-")
    table.add_section()
    restarts = str(sum(row.restarts for row in rows))
    table.add_row("total", "", "", restarts, "", "", _mebibytes(sum(row.memory_bytes for row in rows)))
    return table


def _duration(seconds: float | None) -> str:
    """The two largest parts of a time: 3 d 4 h, 2 h 5 m, 4 m 10 s."""
    if seconds is None:
        return "-"
    whole = timedelta(seconds=int(seconds))
    days, rest = whole.days, whole.seconds
    if days:
        return f"{days} d {rest // _HOUR} h"
    if rest >= _HOUR:
        return f"{rest // _HOUR} h {rest % _HOUR // _MINUTE} m"
    return f"{rest // _MINUTE} m {rest % _MINUTE} s" if rest >= _MINUTE else f"{rest} s"


def _mebibytes(size: int) -> str:
    return f"{size / _MEBIBYTE:.1f} MiB"
