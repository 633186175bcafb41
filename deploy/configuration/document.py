"""Writes docs/settings.md, the table of all settings: `python -m deploy.configuration.document`."""

from __future__ import annotations

from collections.abc import Iterable

from deploy.configuration.catalogue import Setting, made, settable
from deploy.local.layout import ROOT

PAGE = ROOT / "docs" / "settings.md"
_HEAD = """# Settings

<!-- Made from the code by `python -m deploy.configuration.document`; a test compares. Do not edit. -->

For operators. After it you can set what there is to set, and know who reads it.

Every setting has a default, so nothing has to be set. What is set for the stack on this machine stays, in
`.practice/settings.env`:

```sh
practice config set FREEZE_LIMIT=3
practice config unset FREEZE_LIMIT      # back to the default
```

`make up` brings a change into force and restarts only what reads it. For one start alone, and before the
file, goes what the shell says: `FREEZE_LIMIT=3 make up`. `practice config` lists all settings with the value
in force and where it is from.

A wrong value or an unknown name is refused before anything starts, a line for each:

```
error: SYNC_MAX_AGE_DAYS=20000: it takes a whole number from 1 to 3650
error: FREEZE_LIMT is no setting: FREEZE_LIMIT is
```

In containers and for a process that is started by hand, the same names are read from the environment; there
`DATABASE_URL_FILE` and `REDIS_URL_FILE` name files that hold those two addresses.

## What can be set

"""
_MADE = """
## What a stack makes itself

Whoever starts a process by hand gives these; `make up` and docker-compose.yml do it for their processes.

"""


def page() -> str:
    """Returns the text of docs/settings.md."""
    return f"{_HEAD}{_table(settable().values())}{_MADE}{_table(made().values())}"


def _table(settings: Iterable[Setting]) -> str:
    rows = ["| setting | default | takes | means | read by |", "| --- | --- | --- | --- | --- |"]
    rows += [
        f"| `{each.name}` | {f'`{each.default}`' if each.default else '-'} | {_cell(each.takes)}"
        f" | {_cell(each.meaning)} | {', '.join(each.readers)} |"
        for each in settings
    ]
    return "".join(f"{row}\n" for row in rows)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*")


def main() -> None:
    """Writes the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
