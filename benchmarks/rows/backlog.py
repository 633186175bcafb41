"""A backlog of completions, taken in by the worker, beside one Celery task for each of them."""

from __future__ import annotations

import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
from google.protobuf.timestamp_pb2 import Timestamp
from practice.events.v1.session_ended_pb2 import SessionEnded

from benchmarks.context import Context
from benchmarks.measure import Goal, Line, Outcome, Round, Side, ratio
from benchmarks.platform import BASELINE_PYTHON, ROOT, Platform, run_baseline
from benchmarks.processes import Processes, measured
from benchmarks.rows.rest import compare
from deploy.local.control import Supervisor

GOAL = Goal(10, 20)
OURS, THEIRS, LEARNERS, PARTS = 200_000, 10_000, 1_000, 5
_LONGEST_SECONDS = 900.0
_STOPPED = ("relay", "worker")


def measure_backlog(context: Context) -> Outcome:
    """Fills the outbox while nobody takes events in, and lets the worker catch up."""
    platform = context.platform
    # Fewer than some hundred are done between two looks.
    count, theirs = (max(500, context.shrunk(size)) for size in (OURS, THEIRS))
    platform.make_baseline_database()
    context.say(f"backlog: {count:,} completions")
    ours = Side.of(f"platform, backlog of {count:,}", _catch_up(platform, count))
    context.say(f"backlog: {theirs:,} tasks of the baseline")
    other = Side.of(f"one Celery task each, backlog of {theirs:,}", _run_tasks(platform, theirs))
    work = f"completions into statistics, backlog of {count:,}"
    told, beside = f"{ours.spread().text()} /s", f"{other.name}: {other.spread().text()} /s"
    return Outcome(
        lines=[Line(work, told, beside, ratio(ours, other), GOAL, 1)],
        sides=[ours, other],
        notes=[
            f"Backlog: {count:,} events of {LEARNERS:,} learners are in the outbox while relay and worker"
            f" are stopped; then both start. The baseline has {theirs:,} tasks in its queue for a worker"
            " with two processes, the platform held still but for database and queue. Rates are those of"
            f" {PARTS} parts of one backlog, after its first tenth."
        ],
    )


def _catch_up(platform: Platform, count: int) -> list[Round]:
    supervisor = Supervisor(platform.stack.layout)
    supervisor.stop(_STOPPED)
    learners = platform.learners(LEARNERS)
    _fill_outbox(platform, count, learners)
    for name in _STOPPED:
        supervisor.start(name)
    query = (
        "SELECT coalesce(sum(session_count), 0), coalesce(sum(answer_count), 0) FROM stats.standing"
        " WHERE user_id BETWEEN %s AND %s AND product = 'exercises'"
    )

    def applied() -> tuple[int, int]:
        sessions, answers = platform.select(query, learners[0], learners[-1])[0]
        return int(sessions), int(answers)

    _until(lambda: applied()[0] > 0)
    rounds = _in_parts(lambda: applied()[0], count, platform.processes())
    compare("statistics", applied(), (count, count * 10))
    return rounds


def _run_tasks(platform: Platform, count: int) -> list[Round]:
    run_baseline(platform, "benchmarks.baselines.tasks", str(count), str(LEARNERS))
    query = "SELECT coalesce(sum(session_count), 0) FROM progress"

    def counted() -> int:
        return int(platform.select_baseline(query)[0][0])

    everything = platform.processes()
    with everything.suspended(but=["postgres", "redis"]), _worker(platform) as pid:
        _until(lambda: counted() > 0)
        pids = {"baseline": pid, "postgres": platform.postgres_pid, "redis": platform.stack.pid("redis")}
        rounds = _in_parts(counted, count, Processes(pids))
    compare("statistics of the baseline", counted(), count)
    return rounds


@contextmanager
def _worker(platform: Platform) -> Iterator[int]:
    words = [str(BASELINE_PYTHON), "-m", "celery", "-A", "benchmarks.baselines.tasks", "worker"]
    words += ["--concurrency", "2", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    with (platform.directory / "celery.log").open("ab") as log:
        process = subprocess.Popen(words, cwd=ROOT, env=platform.environment(), stdout=log, stderr=log)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def _in_parts(done: Callable[[], int], count: int, processes: Processes) -> list[Round]:
    """Measures parts of them, one after the other, from about a tenth on until all are done."""
    first = count // 10
    _until(lambda: done() >= first)
    rounds, before, began = [], done(), time.perf_counter()
    for part in range(1, PARTS + 1):
        with measured(processes) as usage:
            _until(lambda enough=first + (count - first) * part // PARTS: done() >= enough)
            now, moment = done(), time.perf_counter()
        rounds.append(Round(value=(now - before) / (moment - began), cpu=usage.per(now - before)))
        before, began = now, moment
    return rounds


def _until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + _LONGEST_SECONDS
    while not true():
        if time.monotonic() > until:
            raise TimeoutError("the backlog was not taken in")
        time.sleep(0.1)


def _fill_outbox(platform: Platform, count: int, learners: range) -> None:
    columns = "event_id, user_id, user_seq, aggregate_id, kind, payload, request_id, next_attempt_at"
    now = datetime.now(UTC)
    first = 2_000_000_000 + learners[0] * 1_000
    with (
        psycopg.connect(platform.superuser_url) as connection,
        connection.cursor() as cursor,
        cursor.copy(f"COPY session.outbox ({columns}) FROM STDIN") as copy,
    ):
        for number in range(count):
            learner, seq = learners[number % len(learners)], 1 + number // len(learners)
            ended = now - timedelta(minutes=30 * (count - number) // len(learners))
            event = _event(learner, seq, first + number, ended)
            payload = event.SerializeToString(deterministic=True)
            copy.write_row(
                (event.event_id, learner, seq, event.session_id, "session_ended", payload, "bench", now)
            )


def _event(learner: int, seq: int, session_id: int, ended: datetime) -> SessionEnded:
    start, end = Timestamp(), Timestamp()
    start.FromDatetime(ended - timedelta(minutes=10))
    end.FromDatetime(ended)
    return SessionEnded(
        event_id=str(uuid.uuid4()),
        user_id=learner,
        user_seq=seq,
        session_id=session_id,
        product="exercises",
        outcome="completed",
        counts=True,
        start_time=start,
        end_time=end,
        time_zone="UTC",
        local_date=ended.date().isoformat(),
        elapsed_seconds=600,
        answer_count=10,
        correct_answer_count=7,
    )
