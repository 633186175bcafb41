"""Answers by gRPC, one at a time and a hundred at a time, beside what pgbench records one by one."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Sequence

from benchmarks.context import Context
from benchmarks.load.plan import Plan, Result
from benchmarks.measure import Goal, Line, Outcome, Side, ratio, take_turns
from benchmarks.pgbench import pgbench_answers
from benchmarks.platform import Platform
from benchmarks.rows.rest import compare

UNARY = Goal(0.25, 0.35)
BATCHES = Goal(3, 4)
CALLERS, BATCHING, BATCH = 64, 16, 100


def measure_grpc(context: Context) -> Outcome:
    """Measures all three in turns."""
    platform = context.platform
    unary = _side(context, "gRPC, 64 concurrent", CALLERS, 1)
    batches = _side(context, f"gRPC, batches of {BATCH}, {BATCHING} concurrent", BATCHING, BATCH)
    (like,) = start_sessions(platform, platform.learners(1))
    clients = context.shrunk(CALLERS)
    limit = Side(f"pgbench, {clients} clients", pgbench_answers(platform, clients, like, context.seconds))
    sides = [unary, limit, batches]
    take_turns(sides, context.rounds, context.say)
    beside = f"pgbench -M prepared: {limit.spread().text()} /s"
    return Outcome(
        lines=[
            Line(
                f"answers by unary gRPC, {CALLERS} concurrent",
                f"{unary.spread().text()} /s",
                beside,
                ratio(unary, limit),
                UNARY,
            ),
            Line(
                f"answers in batches of {BATCH} by gRPC, per answer",
                f"{batches.spread().text()} /s",
                beside,
                ratio(batches, limit),
                BATCHES,
            ),
        ],
        sides=sides,
        notes=[
            "Answers by gRPC: `practice.session.v1.SessionService/SubmitAnswers`, at all processes of the"
            " session service itself, by a client that speaks HTTP/2 (`benchmarks/load/grpc.py`): gRPC's"
            " own for Python takes as much as the service. pgbench sends both statements of an answer, for"
            " one."
        ],
    )


def start_sessions(platform: Platform, learners: Sequence[int]) -> list[int]:
    """Returns a new session of each learner."""
    started = []
    for token in platform.tokens(learners):
        request = urllib.request.Request(
            f"{platform.stack.gateway_url}/exercises/session/start",
            data=b"{}",
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            started.append(int(json.load(answer)["session_id"]))
    return started


def _side(context: Context, name: str, callers: int, batch: int) -> Side:
    platform = context.platform
    learners = platform.learners(context.shrunk(callers))
    sessions = start_sessions(platform, learners)
    options = {"sessions": sessions, "batch": batch}
    tokens = platform.tokens(learners)
    plan = Plan("grpc_answers", platform.addresses("session"), tokens, context.seconds, options)
    sent = 0

    def check(result: Result) -> None:
        nonlocal sent
        sent += result.done * batch
        (found,) = platform.select(
            "SELECT count(*), (SELECT sum(answer_count) FROM session.practice_session WHERE id = ANY(%s))"
            " FROM session.answer WHERE session_id = ANY(%s)",
            sessions,
            sessions,
        )
        compare("answers", found, (sent, sent))

    return Side(f"platform, {name}", context.play(plan, platform.processes(), check, batch))
