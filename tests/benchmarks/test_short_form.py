"""The short form of `make bench`: whatever it measures was done, and done once. How fast is not asked."""

from __future__ import annotations

from dataclasses import replace

import psutil
import pytest

from benchmarks.context import Context
from benchmarks.generator import LoadError, generate
from benchmarks.load.plan import Plan, Result
from benchmarks.platform import BASELINE_PYTHON, Platform
from benchmarks.processes import Processes
from benchmarks.report import render
from benchmarks.rows.answers import RATES, check_answers, measure_answers
from benchmarks.rows.grpc import measure_grpc, start_sessions
from deploy.local.stack import LocalStack
from tests.waiting import eventually


@pytest.fixture(scope="module")
def context(shared_stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Context:
    """Single rounds, as short as can be, on the stack that tests share."""
    platform = Platform(shared_stack, tmp_path_factory.mktemp("bench"))
    return Context(rounds=1, seconds=0.05, shrink=16, workers=(1,), running=platform, say=lambda _: None)


def test_answers_are_compared_with_those_of_the_baseline(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not BASELINE_PYTHON.exists():
        pytest.skip("`make test` and `make bench` make the environment of the baselines")
    monkeypatch.delitem(RATES, 16)
    outcome = measure_answers(context)
    ours, theirs = outcome.sides
    assert theirs.cpu().keys() <= {"baseline", "postgres"}, "the platform is held still meanwhile"
    rate, *_ = outcome.lines
    assert rate.reached.median == ours.rounds[0].value / theirs.rounds[0].value
    document = render({"answers": outcome}, context, {"answers": 1.0}, "")
    assert f"| {' | '.join(rate.cells())} |" in document
    assert "(`make bench ONLY=answers`)" in document


def test_answers_by_grpc_are_compared_with_those_of_pgbench(context: Context) -> None:
    outcome = measure_grpc(context)
    unary, limit, batches = outcome.sides
    assert limit.cpu().keys() <= {"postgres"}
    alone, together = (line.reached.median for line in outcome.lines)
    assert alone == unary.rounds[0].value / limit.rounds[0].value
    assert together == batches.rounds[0].value / limit.rounds[0].value


def test_an_answer_that_is_not_in_the_database_is_missed(context: Context) -> None:
    made = start_sessions(context.platform, context.platform.learners(1))
    none = Result(done=0, seconds=1, cpu_seconds=1, latencies=[], faults={}, made=made)
    check_answers(context.platform, none)
    with pytest.raises(AssertionError, match="answers"):
        check_answers(context.platform, replace(none, done=1))


def test_who_is_answered_otherwise_has_no_figure(context: Context) -> None:
    platform = context.platform
    learners = platform.learners(2)
    sessions = start_sessions(platform, learners)
    strangers = list(reversed(platform.tokens(learners)))
    plan = Plan(
        "grpc_answers", platform.addresses("session"), strangers, 0.0, {"sessions": sessions, "batch": 1}
    )
    with pytest.raises(LoadError, match="grpc-status"):
        generate(plan, Processes({}))


def test_the_platform_is_held_still_and_goes_on(context: Context) -> None:
    stack = context.platform.stack
    session, database = (psutil.Process(stack.pid(name)) for name in ("session", "postgres"))
    with context.platform.processes().suspended(but=["postgres"]):
        eventually(lambda: session.status() == psutil.STATUS_STOPPED)
        assert database.status() != psutil.STATUS_STOPPED
    eventually(lambda: session.status() != psutil.STATUS_STOPPED)
    stack.wait_healthy()
