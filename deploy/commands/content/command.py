"""Checks or loads the content from a command line; the job `content` of the stacks.

    python -m deploy.commands.content.command check|load [DIRECTORY]

`load` finds the services by SESSION_ADDRESS, CATALOG_ADDRESS, STATS_ADDRESS and
INTERNAL_TOKEN_FILE.
"""

from __future__ import annotations

import sys
from pathlib import Path

from deploy.commands.run import run
from deploy.commands.service_settings import internal_token, service_setting
from deploy.faults import CommandError

DEFAULT = Path(__file__).resolve().parents[3] / "content"


def check(directory: Path) -> None:
    """Prints what is wrong with the files; exits with 1 when something is."""
    from deploy.commands.content import loading  # noqa: PLC0415 - slow to import, and needs the generated stubs

    if not directory.is_dir():
        raise CommandError(f"{directory} is no directory: name one with content files")
    faults = loading.check(directory)
    for fault in faults:
        print(fault)
    if faults:
        sys.exit(1)
    print(f"{directory}: no faults")


def load(directory: Path) -> None:
    """Loads the files and prints what changed. Raises CommandError when a service refuses."""
    from deploy.commands.content import loading  # noqa: PLC0415 - as above

    if not directory.is_dir():
        raise CommandError(f"{directory} is no directory: name one with content files")
    names = ("SESSION_ADDRESS", "CATALOG_ADDRESS", "STATS_ADDRESS")
    addresses = loading.Addresses(*map(service_setting, names))
    report = loading.load(directory, addresses, internal_token())
    for kind in report.kinds:
        print(f"{kind.kind}: {kind.created} new, {kind.updated} changed, {kind.unchanged} as before")


def main(arguments: list[str]) -> None:
    """Runs the action that the first argument names."""
    action, *rest = arguments
    directory = Path(rest[0]) if rest else DEFAULT
    if action == "check":
        check(directory)
    else:
        load(directory)


if __name__ == "__main__":
    run(lambda: main(sys.argv[1:]))
