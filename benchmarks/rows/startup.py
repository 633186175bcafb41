"""`make up` on data that is there, and what the whole stack takes when nobody asks anything."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.context import Context
from benchmarks.measure import Goal, Line, Outcome, Spread
from benchmarks.platform import ROOT
from deploy.local.ports import LISTENERS, setting
from deploy.local.servers import free_ports
from deploy.local.stack import LocalStack

START = Goal(8, 8, "s", at_most=True)
MEMORY = Goal(900, 900, "MiB", at_most=True)
ROUNDS, SETTLING_SECONDS = 3, 10.0


def measure_startup(context: Context) -> Outcome:
    """Starts a stack with one process of each service, again and again."""
    context.stop_platform()
    rounds = min(ROUNDS, context.rounds)
    seconds: list[float] = []
    memory: list[float] = []
    text = ""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        home = Path(directory) / "stack"
        ports = free_ports()
        chosen = {setting(name): str(getattr(ports, name)) for name in LISTENERS}
        environment = {**os.environ, **chosen, "PRACTICE_HOME": str(home)}
        environment |= {"SESSION_PROCESSES": "1", "STATS_PROCESSES": "1"}
        try:
            for number in range(rounds + 1):
                context.say(f"make up: {'for the first time' if number == 0 else f'round {number}'}")
                began = time.perf_counter()
                subprocess.run(
                    ["make", "-s", "up"], cwd=ROOT, env=environment, capture_output=True, check=True
                )
                if number:
                    seconds.append(time.perf_counter() - began)
                    time.sleep(SETTLING_SECONDS)
                    rows = [*LocalStack.last_started(home).status(), LocalStack(home).supervisor_status()]
                    memory.append(sum(row.memory_bytes for row in rows) / 2**20)
                    parts = sorted(((row.memory_bytes / 2**20, row.name) for row in rows), reverse=True)
                    text = ", ".join(f"{name} {size:.0f}" for size, name in parts)
                _down(environment)
        finally:
            _down(environment)
    start, idle = Spread.of(seconds), Spread.of(memory)
    return Outcome(
        lines=[
            Line("`make up`, warm", f"{start.text(1)} s", "", start, START, 1),
            Line("whole stack idle, one process each", f"{idle.text()} MiB", "", idle, MEMORY, 0),
        ],
        notes=[
            f"`make up` after `make down`, {rounds} times; memory {SETTLING_SECONDS:.0f} s after it,"
            f" proportional set sizes in MiB: {text}."
        ],
    )


def _down(environment: dict[str, str]) -> None:
    subprocess.run(["make", "-s", "down"], cwd=ROOT, env=environment, capture_output=True, check=True)
