"""The `practice` command: the platform on this machine, its content, badges and outbox.

practice up | down | status | logs NAME | demo | migrate | secrets DIRECTORY
practice content check | load
practice badges list | dry-run FILE|CONDITION
practice outbox list | requeue [EVENT_ID ...]
practice recalculate --all | --user N ... [--shadow]
practice reconcile [--user N ...] [--all] [--deep]
practice explain USER [--product P] [--on D] [--known-at T]
practice streak repair | grant-freeze | entries USER
practice export USER --to FILE | erase USER | receipt RECEIPT_ID
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deploy.commands.badges import command as badges
from deploy.commands.content import command as content_command
from deploy.commands.outbox import command as outbox
from deploy.commands.privacy import command as privacy
from deploy.commands.recalculation import command as recalculation
from deploy.commands.reconciliation import command as reconciliation
from deploy.commands.streaks import command as streaks
from deploy.commands.streaks import explain
from deploy.local.display import Progress
from deploy.local.layout import ROOT, default_home
from deploy.local.ports import PortError, Ports
from deploy.local.stack import LocalStack
from deploy.local.startup import StackError

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)
content = typer.Typer(no_args_is_help=True, help="Check or load what the platform ships to practise.")
app.add_typer(content, name="content")
app.add_typer(badges.app, name="badges")
app.add_typer(outbox.app, name="outbox")
app.add_typer(streaks.app, name="streak")
# Without a name of their own: `practice export`.
app.add_typer(privacy.app)
app.add_typer(reconciliation.app)
app.add_typer(explain.app)
app.add_typer(recalculation.app)

MEBIBYTE = 1024 * 1024


def _home() -> Path:
    return default_home(dict(os.environ))


def _wanted() -> LocalStack:
    """The stack that the environment asks for."""
    return LocalStack(_home(), Ports.from_environment(os.environ), environment=dict(os.environ))


@app.command()
def up() -> None:
    """Start everything and return when it is healthy. Does nothing when it is."""
    stack = _wanted()
    try:
        with Progress() as progress:
            stack.up(progress.report)
    except KeyboardInterrupt:
        print("interrupted: `make up` goes on from here, `make down` stops what runs", file=sys.stderr)
        raise typer.Exit(130) from None
    print(f"gateway {stack.gateway_url}", flush=True)


@app.command()
def down() -> None:
    """Stop everything; all data stays."""
    with Progress() as progress:
        was_up = LocalStack.last_started(_home()).down(progress.report)
    print("stopped; the data stays in " + str(_home()) if was_up else "nothing runs")


@app.command()
def status() -> None:
    """Show each process: its id, health and memory. Exits with 1 unless all are healthy."""
    stack = LocalStack.last_started(_home())
    rows = [*stack.status(), stack.supervisor_status()]
    if not any(row.pid for row in rows):
        print("nothing runs: `make up` starts everything")
        raise typer.Exit(1)
    table = Table(box=None, pad_edge=False)
    table.add_column("process", no_wrap=True)
    table.add_column("pid", justify="right", no_wrap=True)
    table.add_column("health")
    table.add_column("memory", justify="right", no_wrap=True)
    for row in rows:
        health = "[green]healthy[/]" if row.healthy else f"[red]{row.problem}[/]"
        table.add_row(row.name, str(row.pid or "-"), health, _mebibytes(row.memory_bytes))
    for name in stack.settings.external:
        table.add_row(name, "-", "given by its address", "-")
    table.add_section()
    table.add_row("total", "", "", _mebibytes(sum(row.memory_bytes for row in rows)))
    Console().print(table)
    print("memory: proportional set size of a process with its children")
    print(f"logs: {stack.layout.home / 'log'}")
    healthy = {row.name for row in rows if row.healthy}
    if "session" in healthy and (dead := outbox.dead_letters(stack)):
        Console().print(f"[red]{dead} events were given up:[/] `practice outbox list` shows them")
    if "gateway" in healthy:
        print(f"gateway {stack.gateway_url}")
    if not all(row.healthy for row in rows):
        raise typer.Exit(1)


def _mebibytes(size: int) -> str:
    return f"{size / MEBIBYTE:.1f} MiB"


@app.command()
def logs(
    name: Annotated[str, typer.Argument(help="A process or job, as `practice status` names it.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on showing new lines.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many last lines.")] = 50,
) -> None:
    """Show the last lines of a log."""
    log = LocalStack.last_started(_home()).layout.log(name)
    if not log.exists():
        known = ", ".join(sorted(path.stem for path in log.parent.glob("*.log"))) or "none yet"
        raise StackError(f"there is no log of {name!r}; there are: {known}")
    command = ["tail", "-n", str(lines), *(["-F"] if follow else []), str(log)]
    raise typer.Exit(subprocess.run(command, check=False).returncode)


@app.command()
def migrate() -> None:
    """Bring the database of DATABASE_URL, or the stack's own, to the newest schema."""
    stack = LocalStack.last_started(_home())
    url = os.environ.get("DATABASE_URL") or stack.database_url
    services = ("identity_service", "catalog_service", "session_service", "stats_service")
    command = [sys.executable, "-m", "service_kit.db.migrate", *services]
    done = subprocess.run(command, env={**os.environ, "DATABASE_URL": url}, check=False)
    raise typer.Exit(done.returncode)


@app.command()
def secrets(directory: Path) -> None:
    """Make the secrets that docker-compose.yml mounts; keeps the ones that exist."""
    from deploy.container_secrets import make  # noqa: PLC0415 - only this command needs it

    make(directory)
    print(f"secrets in {directory}")


@app.command()
def demo() -> None:
    """Play one user's day against the running stack."""
    from deploy.demo import DemoFailedError, run  # noqa: PLC0415 - only this command needs it

    stack = LocalStack.last_started(_home())
    if any(not row.healthy for row in stack.status(memory_too=False)):
        raise StackError("the stack is not up: run `make up` first")
    try:
        run(stack.gateway_url, ROOT / "content")
    except DemoFailedError as error:
        raise StackError(f"the demo saw a wrong answer: {error}") from error


@content.command("check")
def content_check(directory: Path = ROOT / "content") -> None:
    """Check the content files without a running stack."""
    content_command.check(directory)


@content.command("load")
def content_load(directory: Path = ROOT / "content") -> None:
    """Load the content files; doing it again changes nothing.

    CATALOG_ADDRESS, STATS_ADDRESS and INTERNAL_TOKEN_FILE name the services, else
    the running stack's are used.
    """
    stack = LocalStack.last_started(_home()).settings.values()
    names = ("CATALOG_ADDRESS", "STATS_ADDRESS", "INTERNAL_TOKEN_FILE")
    content_command.load(directory, {name: os.environ.get(name) or stack[name] for name in names})


def main() -> None:
    """Runs the command; a foreseen failure is one line and exit status 1."""
    try:
        app()
    except (StackError, PortError, PermissionError) as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"[red]error:[/] {error}")
        sys.exit(1)


if __name__ == "__main__":
    main()
