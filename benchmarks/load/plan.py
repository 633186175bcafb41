"""What the load generator is asked for and what it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Plan:
    """A scenario, where it is played, by whom, and for how long."""

    scenario: str
    # host:port, one or several.
    addresses: Sequence[str]
    # A token for each learner; each has a connection of their own.
    tokens: Sequence[str]
    seconds: float
    # What else the scenario takes.
    options: dict[str, Any] = field(default_factory=dict)


@dataclass
class Tally:
    """What has been done so far."""

    latencies: list[float] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    # What the scenario made, such as the numbers of sessions.
    made: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Result:
    """What was done in how long, the last operations included; latencies in milliseconds."""

    done: int
    seconds: float
    cpu_seconds: float
    latencies: Sequence[float]
    faults: dict[str, int]
    made: Sequence[Any]
