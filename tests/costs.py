"""What tests cost: `pytest --costs` tells the CPU seconds of each test file, the dearest first.

A test pays for its own process and for the programs it waited for, and the first
one that asks for something shared pays for that. The servers of the run are told by
themselves. What a stack of the whole platform uses is in none of these.
"""

from __future__ import annotations

import resource
import time
from collections import defaultdict
from collections.abc import Generator
from typing import Any

import psutil
import pytest

_KEY = "cpu_seconds"
_BEFORE = pytest.StashKey[float]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option."""
    parser.addoption("--costs", action="store_true", help="tell the CPU seconds of each test file")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Looks at the clock before a test."""
    item.stash[_BEFORE] = _seconds()
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    """Notes in the test's last report, which a worker sends, what it used."""
    try:
        return (yield)
    finally:
        item.user_properties.append((_KEY, round(_seconds() - item.stash[_BEFORE], 4)))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Tells the sums."""
    if not config.getoption("costs"):
        return
    used: dict[str, list[float]] = defaultdict(list)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "teardown":
                used[report.nodeid.partition("::")[0]] += [float(dict(report.user_properties)[_KEY])]
    terminalreporter.section("CPU seconds, tests, file")
    for name, seconds in sorted(used.items(), key=lambda each: -sum(each[1])):
        terminalreporter.line(f"{sum(seconds):8.2f} {len(seconds):6} {name}")
    terminalreporter.line(f"{sum(map(sum, used.values())):8.2f} {sum(map(len, used.values())):6} in all")


def family_seconds(pid: int) -> float:
    """What a process and its children used, those that are gone included."""
    process = psutil.Process(pid)
    members = [process, *process.children(recursive=True)]
    return sum(sum(member.cpu_times()[:4]) for member in members)


def _seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
