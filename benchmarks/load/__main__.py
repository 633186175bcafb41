"""Runs a plan: `python -m benchmarks.load`, the plan on the first line of the input."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import uvloop

from benchmarks.load.listeners import Listeners
from benchmarks.load.plan import Plan, Result
from benchmarks.load.scenarios import SCENARIOS, Scenario


def _scenario(plan: Plan) -> Scenario:
    if plan.scenario == "grpc_answers":
        # It alone needs the contracts, which take longer to import than a short round lasts.
        from benchmarks.load.grpc_answers import GrpcAnswers  # noqa: PLC0415

        return GrpcAnswers(plan)
    return (SCENARIOS | {"listeners": Listeners})[plan.scenario](plan)


async def _run(plan: Plan) -> Result:
    scenario = _scenario(plan)
    await scenario.prepare()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    used = time.process_time()
    began = time.perf_counter()
    scenario.until = began + plan.seconds
    await scenario.play()
    took = time.perf_counter() - began
    used = time.process_time() - used
    await scenario.close()
    tally = scenario.tally
    return Result(
        done=len(tally.latencies),
        seconds=took,
        cpu_seconds=used,
        latencies=[round(each * 1000, 3) for each in tally.latencies],
        faults=dict(tally.faults),
        made=tally.made,
    )


def main() -> None:
    """Reads the plan, runs it and prints the result."""
    plan = Plan(**json.loads(sys.stdin.readline()))
    print(json.dumps(uvloop.run(_run(plan)).__dict__), flush=True)


if __name__ == "__main__":
    main()
