"""What an operator does about settings.

practice config                     every setting: its value, where that is from, what it takes and means
practice config set NAME=VALUE ...  keeps settings in the stack's file
practice config unset NAME ...      takes settings out of the file
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from deploy.commands.tables import output, plain_table, show
from deploy.configuration import settings_file, validation
from deploy.configuration.catalogue import HOME, Setting, settable
from deploy.faults import CommandError
from deploy.local import record
from deploy.local.layout import Layout, default_home
from service_kit.setting_faults import redact

# So many characters a line leave each column room for words.
_WIDE = 160

app = typer.Typer(
    help="Show every setting; `set` and `unset` change those that stay.",
    rich_markup_mode=None,
    invoke_without_command=True,
)


@app.callback()
def config(context: typer.Context) -> None:
    """Show every setting: its value, where that is from, its default, what it takes and means."""
    if context.invoked_subcommand is not None:
        return
    home = _home()
    settings = validation.read_given(home, os.environ)
    started = record.read(Layout(home))
    running = started.given if started else None
    wide = output().width >= _WIDE
    more = ("takes", "means") if wide else ("takes and means",)
    table = plain_table("setting", "value", "from", "default", *more)
    table.columns[0].no_wrap = wide
    for name, setting in settable().items():
        value = _value(name, setting, settings.values, home)
        source = "environment" if name == HOME and HOME in os.environ else settings.source(name)
        table.add_row(
            name,
            value + _difference(name, settings.values, running),
            source,
            setting.default or "-",
            *((setting.takes, setting.meaning) if wide else (f"{setting.takes}: {setting.meaning}",)),
        )
    show(table)
    print(f"settings that stay: {settings_file.file_of(home)}")
    validation.validate(settings)


@app.command("set")
def set_settings(
    settings: Annotated[list[str], typer.Argument(metavar="NAME=VALUE ...", help="Settings to keep.")],
) -> None:
    """Keep settings for every start from now on. Refused when one is wrong: then nothing changes."""
    changes: dict[str, str | None] = {}
    for each in settings:
        name, equals, value = each.partition("=")
        if not equals or "\n" in value:
            raise CommandError(f"{each!r} is not NAME=VALUE")
        changes[name.strip()] = value.strip()
    _change(changes)


@app.command("unset")
def unset_settings(
    names: Annotated[list[str], typer.Argument(metavar="NAME ...", help="Settings to keep no longer.")],
) -> None:
    """Go back to the defaults of settings that were kept."""
    path = settings_file.file_of(_home())
    strange = [name for name in names if name not in settings_file.read(path)]
    if strange:
        raise CommandError("\n".join(f"{name} is not set in {path}" for name in strange))
    _change(dict.fromkeys(names, None))


def _change(changes: Mapping[str, str | None]) -> None:
    path = settings_file.file_of(_home())
    after = {**settings_file.read(path), **changes}
    # What the shell says meanwhile is no part of the file.
    validation.validate(
        validation.GivenSettings({}, {name: value for name, value in after.items() if value is not None})
    )
    settings_file.change(path, changes)
    print(f"kept in {path}: `make up` brings it into force")
    for name in changes:
        if name in os.environ:
            print(f"{name}={redact(os.environ[name])} of this shell's environment goes before the file")


def _value(name: str, setting: Setting, values: Mapping[str, str], home: Path) -> str:
    if name == HOME:
        return str(home)
    return redact(values[name]) if name in values else setting.default or "-"


def _difference(name: str, values: Mapping[str, str], running: Mapping[str, str] | None) -> str:
    """What the running stack was started with, when that is something else."""
    if running is None or name == HOME or running.get(name) == values.get(name):
        return ""
    before = redact(running[name]) if name in running else "the default"
    return f" (last started with {before})"


def _home() -> Path:
    return default_home(dict(os.environ))
