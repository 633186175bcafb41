"""Validates the settings of a whole stack before anything of it starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy import topology
from deploy.configuration import settings_file
from deploy.configuration.catalogue import HOME, NODES, class_of, made, settable
from deploy.faults import CommandError
from deploy.local.ports import PortError, Ports
from service_kit.setting_faults import find_faults, find_misspelt, find_nearest

_OURS = "PRACTICE_"
# What our own programs put there.
_INTERNAL = ("PRACTICE_DESCRIPTION", "PRACTICE_BUILD", "PRACTICE_SECRETS", "PRACTICE_TEST_PROCESS")
# In the file a wrong name is refused anyway; this only finds the one that was meant.
_FAR = 0.6


class SettingsError(CommandError):
    """Settings are wrong; the message has a line for each."""


@dataclass(frozen=True)
class GivenSettings:
    """The settings somebody gave, each from the environment or from the file."""

    environment: Mapping[str, str]
    file: Mapping[str, str] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, str]:
        """What holds: the environment goes before the file."""
        ours = {name: value for name, value in self.environment.items() if name in settable()}
        return {**self.file, **ours}

    def source(self, name: str) -> str:
        """Says where a setting comes from."""
        if name in self.environment:
            return "environment"
        return "file" if name in self.file else "default"


def read_given(home: Path, environment: Mapping[str, str]) -> GivenSettings:
    """Returns the settings of the environment and of the stack's file. Raises CommandError."""
    return GivenSettings(dict(environment), settings_file.read(settings_file.file_of(home)))


def validate(settings: GivenSettings) -> None:
    """Raises SettingsError with a line for every setting that is wrong or that nobody knows."""
    refuse([*_unknown(settings), *_wrong(settings.values)])


def find_process_faults(node: topology.Process | topology.Job, environment: Mapping[str, str]) -> list[str]:
    """Returns what a program would find wrong with its whole environment."""
    kind = class_of(node)
    return [str(fault) for fault in find_faults(kind, environment)] if kind else []


def refuse(lines: Iterable[str]) -> None:
    """Raises SettingsError when there is a line."""
    wrong = list(dict.fromkeys(lines))
    if wrong:
        raise SettingsError("\n".join(wrong))


def _unknown(settings: GivenSettings) -> list[str]:
    known = settable()
    lines = [
        _not_in_the_file(name, list(known)) for name in settings.file if name not in known or name == HOME
    ]
    ours = set(known) | set(made())
    lines += [str(fault) for fault in find_misspelt(settings.environment, ours)]
    for name in sorted(settings.environment):
        if name.startswith(_OURS) and name not in (*known, *_INTERNAL) and not find_misspelt([name], ours):
            lines.append(f"{name} is no setting: `practice config` lists them")
    return lines


def _not_in_the_file(name: str, known: Sequence[str]) -> str:
    if name == HOME:
        return f"{HOME} cannot be set in the file, which lies in that directory: give it in the environment"
    if name in made():
        return f"{name} cannot be set in the file: the stack makes it"
    meant = find_nearest(name, known, _FAR)
    return f"{name} is no setting: {f'{meant} is' if meant else '`practice config` lists them'}"


def _wrong(values: Mapping[str, str]) -> list[str]:
    lines = []
    try:
        Ports.from_environment(values)
    except PortError as error:
        lines.append(str(error))
    for node in NODES:
        kind = class_of(node)
        chosen = {name: values[name] for name in (*node.tunables, *node.settings) if name in values}
        # Ports were judged, and what is missing is made by the stack.
        chosen = {name: value for name, value in chosen.items() if not name.endswith("_PORT")}
        if kind:
            lines += [str(fault) for fault in find_faults(kind, chosen) if not fault.missing]
    return lines
