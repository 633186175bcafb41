"""Every setting of the platform, found in the classes that programs read them with and in the topology."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from deploy import topology
from deploy.local import ports
from service_kit.setting_faults import describe_values

NODES: tuple[topology.Process | topology.Job, ...] = (
    *topology.PROCESSES,
    topology.WATCHER,
    *topology.JOBS,
)
# What `practice` itself reads of the environment only: where the file of settings is, for one.
HOME = "PRACTICE_HOME"
PORT_BASE = "PRACTICE_PORT_BASE"
# Settings that a stack makes itself unless somebody gives them.
_GIVABLE = ("DATABASE_URL", "REDIS_URL", "GATEWAY_HOST", "CORS_ORIGINS")
_A_PORT = "a whole number from 1 to 65535"


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting: what it is unless given, what it takes, what it means, and who reads it."""

    name: str
    default: str
    takes: str
    meaning: str
    readers: tuple[str, ...]


def class_of(node: topology.Process | topology.Job) -> type[BaseSettings] | None:
    """Returns the class that a program reads its settings with; None for one that has none."""
    if not node.reads:
        return None
    module, _, name = node.reads.partition(":")
    kind: type[BaseSettings] = getattr(importlib.import_module(module), name)
    assert issubclass(kind, BaseSettings)
    return kind


@cache
def settable() -> dict[str, Setting]:
    """Returns what can be set for a local stack, by name."""
    found = {setting.name: setting for setting in _of_the_stack()}
    names = {name for node in NODES for name in node.tunables} | set(_GIVABLE)
    return {**found, **{name: _described(name) for name in sorted(names)}}


@cache
def made() -> dict[str, Setting]:
    """Returns what a stack makes for its processes and nobody sets there, by name."""
    names = {name for node in NODES for name in node.settings} - set(settable())
    return {name: _described(name) for name in sorted(names)}


def default_of(info: FieldInfo) -> str:
    """Returns a default as it would be given; empty when there is none."""
    if info.is_required() or info.default is None or info.default_factory is not None:
        return ""
    value = info.default
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _of_the_stack() -> Iterator[Setting]:
    yield Setting(HOME, ".practice", "a directory", "where the stack keeps everything", ("practice",))
    meaning = "the first of consecutive ports for all processes, the gateway's first"
    yield Setting(PORT_BASE, "", _A_PORT, meaning, ("practice",))
    for service, name in ports.COUNTED.items():
        takes = f"a whole number from 1 to {ports.MOST_PROCESSES}"
        most = ports.MOST_BY_DEFAULT
        meaning = f"how many processes of {service} run; unless given, one a core and {most} at most"
        yield Setting(name, "", takes, meaning, ("practice",))
    for name in ports.LISTENERS:
        reader = name.partition("_")[0]
        whose = f"the port of {name.replace('_', chr(32))}"
        meaning = _port_meanings().get(ports.setting(name), whose)
        yield Setting(ports.setting(name), str(getattr(ports.Ports, name)), _A_PORT, meaning, (reader,))


@cache
def _port_meanings() -> dict[str, str]:
    return {
        name: info.description or ""
        for name, (info, _) in _read().items()
        if name.endswith("_PORT") and info.description
    }


def _described(name: str) -> Setting:
    info, readers = _read()[name]
    return Setting(name, default_of(info), describe_values(info), info.description or "", readers)


@cache
def _read() -> dict[str, tuple[FieldInfo, tuple[str, ...]]]:
    """The fields of all classes by their setting's name, with the processes that read them."""
    found: dict[str, tuple[FieldInfo, tuple[str, ...]]] = {}
    for node in NODES:
        kind = class_of(node)
        # The gateway's job reads for it.
        reader = node.name.removesuffix("-config")
        for field, info in kind.model_fields.items() if kind else ():
            first, readers = found.get(field.upper(), (info, ()))
            found[field.upper()] = (first, tuple(dict.fromkeys((*readers, reader))))
    return found
