"""The file of settings that stay: `settings.env` in the stack's directory, a `NAME=value` a line."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from deploy.faults import CommandError

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)")
_HEAD = "# Settings of this stack, kept by `practice config set`. The environment goes before them.\n"


def file_of(home: Path) -> Path:
    """Returns where the settings of a stack are kept."""
    return home / "settings.env"


def read(path: Path) -> dict[str, str]:
    """Returns the settings of a file; none when there is no file. Raises CommandError with the line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except UnicodeError as error:
        raise CommandError(f"{path} is not UTF-8 text") from error
    kept: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        match = _LINE.fullmatch(text)
        if match is None:
            raise CommandError(f"{path}:{number}: a line is NAME=value, or begins with #")
        name, value = match[1], _bare(match[2].strip())
        if name in kept:
            raise CommandError(f"{path}:{number}: {name} is there twice")
        kept[name] = value
    return kept


def change(path: Path, changes: Mapping[str, str | None]) -> None:
    """Writes settings into a file and takes out those that are None; all other lines stay."""
    old = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else [_HEAD]
    left = dict(changes)
    lines = []
    for line in old:
        match = _LINE.fullmatch(line.strip())
        if match is None or match[1] not in changes:
            lines.append(line if line.endswith("\n") else f"{line}\n")
        elif (value := left.pop(match[1], None)) is not None:
            lines.append(f"{match[1]}={value}\n")
    lines += [f"{name}={value}\n" for name, value in left.items() if value is not None]
    path.parent.mkdir(parents=True, exist_ok=True)
    # An address in it may hold a password.
    unfinished = path.with_suffix(".unfinished")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.writelines(lines)
    unfinished.rename(path)


def _bare(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value
