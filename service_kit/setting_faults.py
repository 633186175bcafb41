"""Describes wrong settings: which one, what was given, what it takes, in one line each."""

from __future__ import annotations

import difflib
import math
import os
import sys
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import annotated_types
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from service_kit.setting_types import Takes

# sysexits.h: something was found in a state of misconfiguration.
EX_CONFIG = 78
# So alike are a name and its typing error. No two names of ours are.
ALIKE = 0.9
_LONGEST = 80

Kind = TypeVar("Kind", bound=BaseSettings)


@dataclass(frozen=True, slots=True)
class Fault:
    """One setting that is wrong, as a line for a person."""

    name: str
    line: str
    missing: bool = False

    def __str__(self) -> str:
        return self.line


def read_settings(kind: type[Kind]) -> Kind:
    """Returns the settings in the environment; ends the process with a line for each wrong one."""
    wrong = [
        *find_faults(kind, os.environ),
        *find_misspelt(os.environ, [name.upper() for name in kind.model_fields]),
    ]
    if wrong:
        sys.stderr.write("".join(f"error: {fault}\n" for fault in wrong))
        sys.exit(EX_CONFIG)
    return kind()


def find_faults(kind: type[BaseSettings], given: Mapping[str, str]) -> list[Fault]:
    """Returns what is wrong with the settings that are given, and which are missing."""
    names = {name.lower(): name for name in given}
    values = {name: given[names[name]] for name in kind.model_fields if name in names}
    try:
        # Past BaseSettings.__init__, which would look at this process's own environment.
        kind.__pydantic_validator__.validate_python(values, self_instance=kind.__new__(kind))
    except ValidationError as error:
        return [_fault(kind, given_at, given) for given_at in error.errors(include_url=False)]
    return []


def find_misspelt(names: Iterable[str], known: Iterable[str]) -> list[Fault]:
    """Returns a fault for each name that is nearly one of the known ones."""
    known = sorted(known)
    wrong = []
    for name in sorted(set(names) - set(known) - {each.lower() for each in known}):
        meant = find_nearest(name, known)
        if meant is not None:
            wrong.append(Fault(name, f"{name} is no setting: {meant} is"))
    return wrong


def find_nearest(name: str, known: Iterable[str], alike: float = ALIKE) -> str | None:
    """Returns the known name that is most like another, if one is enough."""
    return next(iter(difflib.get_close_matches(name.upper(), list(known), n=1, cutoff=alike)), None)


def redact(value: object) -> str:
    """Returns a value in one line, without a password that an address holds."""
    text = str(value)
    if "@" in text:
        text = f"...@{text.rpartition('@')[2]}"
    if not text.isprintable():
        text = ascii(text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def describe_values(field: FieldInfo) -> str:
    """Returns what a setting takes, in words: `a whole number from 1 to 3650`."""
    words = next((each.words for each in field.metadata if isinstance(each, Takes)), None)
    return words or _kind_in_words(field.annotation, field.metadata)


def _kind_in_words(annotation: Any, metadata: list[Any]) -> str:
    if get_origin(annotation) in (Union, types.UnionType):
        (annotation,) = [each for each in get_args(annotation) if each is not types.NoneType]
    if get_origin(annotation) is Literal:
        return f"one of {', '.join(map(str, get_args(annotation)))}"
    if annotation is bool:
        return "true or false"
    if annotation in (int, float):
        return f"{'a whole number' if annotation is int else 'a number'}{_bounds(metadata)}"
    if annotation is Path:
        return "a path"
    return "a text"


def _bounds(metadata: list[Any]) -> str:
    low, above, high = -math.inf, False, math.inf
    for each in metadata:
        match each:
            case annotated_types.Ge(ge=bound):
                low = float(bound)  # type: ignore[arg-type]
            case annotated_types.Gt(gt=bound):
                low, above = float(bound), True  # type: ignore[arg-type]
            case annotated_types.Le(le=bound):
                high = float(bound)  # type: ignore[arg-type]
    if high == math.inf:
        return "" if low == -math.inf else f" {'above' if above else 'of at least'} {low:.15g}"
    return f" {'above' if above else 'from'} {low:.15g} {'and up ' if above else ''}to {high:.15g}"


def _fault(kind: type[BaseSettings], error: Any, given: Mapping[str, str]) -> Fault:
    if not error["loc"]:
        return Fault("", _reason(error))
    field = str(error["loc"][0])
    name, info = field.upper(), kind.model_fields[field]
    if error["type"] == "missing":
        return Fault(name, f"{name} is missing: {describe_values(info)}", missing=True)
    # What a validator found is said when the kind of setting does not say it.
    words = any(isinstance(each, Takes) for each in info.metadata)
    reason = describe_values(info) if words or error["type"] != "value_error" else _reason(error)
    value = next((given[each] for each in given if each.upper() == name), error["input"])
    told = f"{name}={redact(value)}" if value else f"{name} is empty"
    return Fault(name, f"{told}: it takes {reason}")


def _reason(error: Any) -> str:
    return str(error.get("ctx", {}).get("error", error["msg"]))
