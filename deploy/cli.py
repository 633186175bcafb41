"""The `practice` command: the platform on this machine, its content, products, badges and outbox.

practice up | down | status | logs [NAME] | demo | migrate | secrets DIRECTORY
practice --version | --install-completion
practice config [set NAME=VALUE ... | unset NAME ...]
practice user find EMAIL|NUMBER
practice content check | load
practice products list | show PRODUCT | apply FILE | retire PRODUCT | restore PRODUCT
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
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from deploy import topology
from deploy.commands.accounts import command as accounts
from deploy.commands.badges import command as badges
from deploy.commands.content import command as content_command
from deploy.commands.logs.command import all_logs, show_log, show_merged
from deploy.commands.outbox import command as outbox
from deploy.commands.privacy import command as privacy
from deploy.commands.products import command as products
from deploy.commands.recalculation import command as recalculation
from deploy.commands.reconciliation import command as reconciliation
from deploy.commands.run import run
from deploy.commands.status.command import show_status
from deploy.commands.streaks import command as streaks
from deploy.commands.streaks import explain
from deploy.configuration import command as configuration
from deploy.configuration import validation
from deploy.local.display import Progress
from deploy.local.layout import ROOT, default_home
from deploy.local.ports import Ports
from deploy.local.stack import LocalStack
from deploy.local.startup import StackError

# A traceback is for a fault of ours; the values of variables, secrets among them, are for nobody.
app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)
content = typer.Typer(no_args_is_help=True, help="Check or load what the platform ships to practise.")
app.add_typer(content, name="content")
app.add_typer(products.app, name="products")
app.add_typer(badges.app, name="badges")
app.add_typer(outbox.app, name="outbox")
app.add_typer(streaks.app, name="streak")
app.add_typer(configuration.app, name="config")
app.add_typer(accounts.app, name="user")
# Without a name of their own: `practice export`.
app.add_typer(privacy.app)
app.add_typer(reconciliation.app)
app.add_typer(explain.app)
app.add_typer(recalculation.app)


def _home() -> Path:
    return default_home(dict(os.environ))


def _wanted() -> LocalStack:
    """The stack that the environment and the file of settings ask for. Raises SettingsError."""
    settings = validation.read_given(_home(), os.environ)
    validation.validate(settings)
    values = settings.values
    return LocalStack(_home(), Ports.from_environment(values), environment=values)


def _logged(begun: str) -> list[str]:
    """Completes the name of what has a log."""
    last = LocalStack.last_started(_home()).settings.ports
    counted = ((process, last.count(process.name)) for process in topology.PROCESSES)
    names = [copy.name for process, count in counted for copy in topology.copies(process, count)]
    return [name for name in (*names, *(job.name for job in topology.JOBS)) if name.startswith(begun)]


def _version(wanted: bool) -> None:
    if wanted:
        print(f"practice-platform {version('practice-platform')}, tzdata {version('tzdata')}")
        raise typer.Exit


@app.callback()
def practice(
    _shown: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_version,
            is_eager=True,
            help="Show the versions of the platform and of its time zones.",
        ),
    ] = False,
) -> None:
    """The platform on this machine, and what its operators do."""


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
    print(f"gateway {stack.gateway_url}, documentation {stack.gateway_url}/docs/", flush=True)


@app.command()
def down() -> None:
    """Stop everything; all data stays."""
    with Progress() as progress:
        was_up = LocalStack.last_started(_home()).down(progress.report)
    print("stopped; the data stays in " + str(_home()) if was_up else "nothing runs")


@app.command()
def status() -> None:
    """Show each process: its health, restarts, uptime and memory. Exits with 1 unless all are healthy."""
    show_status(LocalStack.last_started(_home()))


@app.command()
def logs(
    name: Annotated[
        str,
        typer.Argument(
            help="A process or job, as `practice status` names it; all when none is named.",
            autocompletion=_logged,
        ),
    ] = "",
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on showing new lines.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many last lines.")] = 50,
    request: Annotated[
        str, typer.Option("--request", metavar="ID", help="Everything that was written about one request.")
    ] = "",
) -> None:
    """Show the last lines of a log, or of all of them in the order of time."""
    layout = LocalStack.last_started(_home()).layout
    if name and not request:
        show_log(layout.log(name), follow=follow, lines=lines)
    chosen = [layout.log(name)] if name else all_logs(layout.log("supervisor").parent)
    show_merged(chosen, request, follow=follow, lines=lines)


@app.command()
def migrate() -> None:
    """Bring the database of DATABASE_URL, or the stack's own, to the newest schema."""
    stack = LocalStack.last_started(_home())
    url = os.environ.get("DATABASE_URL")
    if not url and stack.supervisor_status().pid is None:
        raise StackError("the stack is not up: run `make up` first, or name a database with DATABASE_URL")
    services = ("identity_service", "catalog_service", "session_service", "stats_service")
    command = [sys.executable, "-m", "service_kit.db.migrate", *services]
    done = subprocess.run(command, env={**os.environ, "DATABASE_URL": url or stack.database_url}, check=False)
    raise typer.Exit(done.returncode)


@app.command()
def secrets(directory: Path) -> None:
    """Make the secrets that docker-compose.yml mounts; keeps the ones that exist."""
    done = subprocess.run(["sh", str(ROOT / "deploy" / "secrets.sh"), str(directory)], check=False)
    raise typer.Exit(done.returncode)


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

    SESSION_ADDRESS, CATALOG_ADDRESS, STATS_ADDRESS and INTERNAL_TOKEN_FILE name the
    services, else the running stack's are used.
    """
    content_command.load(directory)


def main() -> None:
    """Runs the command; a foreseen failure is a line for each fault and exit status 1."""
    run(app)


if __name__ == "__main__":
    main()
