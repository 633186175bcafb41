"""Runs the load generator for a round, and takes what processes used meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from benchmarks.load.plan import Plan, Result
from benchmarks.measure import Round
from benchmarks.processes import Processes, measured

ROOT = Path(__file__).parents[1]


class LoadError(RuntimeError):
    """Something was not answered well: what was measured is worth nothing."""


def generate(
    plan: Plan, processes: Processes, each: int = 1, *, once_ready: Callable[[], None] = lambda: None
) -> tuple[Round, Result]:
    """Runs a plan and returns its operations a second, with CPU by process. Raises LoadError.

    `each` is how many things one operation of the scenario does, such as answers of a batch; `once_ready`
    is called when everything is prepared and nothing has begun.
    """
    command = [sys.executable, "-m", "benchmarks.load"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(asdict(plan)) + "\n")
        process.stdin.flush()
        if process.stdout.readline().strip() != "ready":
            raise LoadError(f"{plan.scenario}: the load generator could not begin")
        once_ready()
        with measured(processes) as usage:
            process.stdin.write("go\n")
            process.stdin.flush()
            line = process.stdout.readline()
    if not line:
        raise LoadError(f"{plan.scenario}: the load generator ended early")
    result = Result(**json.loads(line))
    if result.faults:
        raise LoadError(f"{plan.scenario}: {result.faults}")
    if not result.done:
        raise LoadError(f"{plan.scenario}: nothing was done in {plan.seconds} s")
    measured_round = Round(
        value=result.done * each / result.seconds,
        latencies=result.latencies,
        cpu=usage.per(result.done * each),
        load_cores=result.cpu_seconds / result.seconds,
    )
    return measured_round, result
