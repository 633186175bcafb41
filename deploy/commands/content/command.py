"""Checks or loads the content from a command line; the job `content` of the stacks.

    python -m deploy.commands.content.command check|load [DIRECTORY]

`load` finds the services by CATALOG_ADDRESS, STATS_ADDRESS and INTERNAL_TOKEN_FILE.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

DEFAULT = Path(__file__).resolve().parents[3] / "content"


def check(directory: Path) -> None:
    """Prints what is wrong with the files; exits with 1 when something is."""
    from deploy.commands.content import loading  # noqa: PLC0415 - slow to import, and needs the generated stubs

    faults = loading.check(directory)
    for fault in faults:
        print(fault)
    if faults:
        sys.exit(1)
    print(f"{directory}: no faults")


def load(directory: Path, settings: Mapping[str, str]) -> None:
    """Loads the files and prints what changed; exits with the reason when a service refuses."""
    from deploy.commands.content import loading  # noqa: PLC0415 - as above

    token = Path(settings["INTERNAL_TOKEN_FILE"]).read_text().strip()
    try:
        report = loading.load(directory, settings["CATALOG_ADDRESS"], settings["STATS_ADDRESS"], token)
    except (loading.ContentRefusedError, loading.LoadFailedError) as error:
        sys.exit(str(error))
    for kind in report.kinds:
        print(f"{kind.kind}: {kind.created} new, {kind.updated} changed, {kind.unchanged} as before")


def main(arguments: list[str]) -> None:
    """Runs the action that the first argument names."""
    action, *rest = arguments
    directory = Path(rest[0]) if rest else DEFAULT
    if action == "check":
        check(directory)
    else:
        load(directory, os.environ)


if __name__ == "__main__":
    main(sys.argv[1:])
