"""The entries of a file that an editor names in a command."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from deploy.commands.content.files import Entry, read_file
from deploy.commands.content.kinds import Kind
from deploy.faults import CommandError


def read_chosen(file: Path, kind: Kind, *, key: str, only: Collection[str]) -> Sequence[Entry]:
    """Returns the entries of a file, or of them those with `only` these keys.

    A fault in the file ends the command with its line. Raises OSError without
    the file, CommandError when it has none of a key.
    """
    content = read_file(file, kind)
    if content.faults:
        sys.exit("\n".join(map(str, content.faults)))
    entries = content.entries[kind.name]
    missing = set(only) - {str(entry[key]) for entry in entries}
    if missing:
        raise CommandError(f"{file} has no {', '.join(sorted(missing))}")
    return [entry for entry in entries if not only or entry[key] in only]
