"""Any process killed with -9 in traffic, also one of two: nothing acknowledged is lost or counted twice."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import httpx
import psutil
import psycopg
import pytest
import redis
from practice.session.v1 import session_service_pb2 as pb
from practice.session.v1.session_service_pb2_grpc import SessionServiceStub

from deploy.local.stack import LocalStack
from tests.end_to_end.conftest import SESSION_PROCESSES, Learner
from tests.offline import offline_answer, offline_session
from tests.personal_data import rows_of
from tests.stack import asked_by_the_watcher, open_client
from tests.waiting import PATIENCE_SECONDS, eventually

SESSIONS = "/focus/api/v1/sessions"
# The session service and the worker have tests of their own.
PROCESSES = [
    "postgres",
    "redis",
    "identity",
    "catalog",
    "stats",
    "relay",
    "bridge",
    "gateway",
]
LEARNERS = 3
# Between two calls of a client, which is in the middle of a session nearly always.
PAUSE_SECONDS = 0.05
# Between two sessions of a client, once the harm is done and the stack has to recover beside it.
CALM_SECONDS = 3.0
RECOVERY_SECONDS = PATIENCE_SECONDS
SETTLE_SECONDS = 90.0
# The gateway itself waits far longer for an answer.
REFUSED_SECONDS = 5.0
# The first, one that meets what is ending, and one more.
MOST_ATTEMPTS = 3
# The call is held in its middle, however much it brings; this is several transactions.
SYNCED = 200


@dataclass
class Acknowledged:
    """What the platform said it has."""

    sessions: int = 0
    seconds: int = 0
    answers: int = 0
    right: int = 0
    session_ids: list[int] = field(default_factory=list)

    @property
    def completions(self) -> int:
        """How many sessions were completed: of focus, and of drills with a right answer each."""
        return self.sessions + self.right


class Persistent:
    """A client as an app has it: it repeats a call under its key until it is answered."""

    def __init__(self, gateway: str, stop: threading.Event, calm: threading.Event) -> None:
        self.learner = Learner(gateway)
        self.done = Acknowledged()
        self._stop = stop
        self._calm = calm
        self.error: BaseException | None = None
        self.most_attempts = 0
        self.thread = threading.Thread(target=self._practise, daemon=True)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        key = {"Idempotency-Key": str(uuid.uuid4())}
        deadline = time.monotonic() + RECOVERY_SECONDS
        for attempt in itertools.count(1):
            self.most_attempts = max(self.most_attempts, attempt)
            try:
                response = self.learner.send(method, path, body, **key)
                if response.status_code < 500:
                    assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
                    self._stop.wait(PAUSE_SECONDS)
                    return response.json()
            except httpx.TransportError:
                pass
            assert time.monotonic() < deadline, f"{method} {path} was not answered for {RECOVERY_SECONDS} s"
            self._stop.wait(0.1)

    def _practise(self) -> None:
        try:
            while not self._stop.is_set():
                self._focus()
                self._drill()
                if self._calm.is_set():
                    self._stop.wait(CALM_SECONDS)
        except BaseException as error:
            self.error = error

    def _focus(self) -> None:
        session = self.call("POST", SESSIONS, {"duration_seconds": 600})["data"]
        seconds = 40 + session["id"] % 7
        self.call("PATCH", f"{SESSIONS}/{session['id']}/pause", {"elapsed_seconds": 30, "status": "paused"})
        self.call("PATCH", f"{SESSIONS}/{session['id']}/resume")
        ending = {"elapsed_seconds": seconds, "status": "completed"}
        self.call("PATCH", f"{SESSIONS}/{session['id']}/end", ending)
        self.done.sessions += 1
        self.done.seconds += seconds
        self.done.session_ids.append(session["id"])

    def _drill(self) -> None:
        session_id = self.call("POST", "/exercises/session/start", {})["session_id"]
        for text in ("hable", "habla"):
            body = {"exercise_id": 123, "user_answer": text, "session_id": session_id}
            self.call("POST", "/exercises/submit", body)
        summary = self.call("POST", "/exercises/session/end", {"session_id": session_id})
        assert (summary["total_exercises"], summary["correct_answers"]) == (2, 1)
        self.done.answers += 2
        self.done.right += 1

    def check(self) -> None:
        """Compares what was acknowledged with history and statistics."""
        history: list[dict[str, Any]] = []
        while True:
            before = f"&before={history[-1]['id']}" if history else ""
            page = self.learner.ok("GET", f"{SESSIONS}?limit=100{before}")["data"]
            if not page:
                break
            history.extend(page)
        assert [s["id"] for s in history if s["status"] == "completed"] == self.done.session_ids[::-1]
        focus = self._standing("focus")
        assert focus["session_count"] == self.done.sessions
        assert int(focus["elapsed_seconds"]) == self.done.seconds
        drills = self._standing("exercises")
        assert drills["session_count"] == self.done.right
        assert (drills["answer_count"], drills["correct_answer_count"]) == (
            self.done.answers,
            self.done.right,
        )

    def _standing(self, product: str) -> Any:
        newest = self.learner.ok("GET", "/v1/sessions?page_size=10")["sessions"]
        ends = max((int(session["user_seq"]) for session in newest), default=0)
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            standing = self.learner.ok("GET", f"/v1/standing?product={product}&min_user_seq={ends}")
            if not standing["pending"]:
                return standing["totals"]
            assert time.monotonic() < deadline, f"statistics did not settle: {standing}, expected {self.done}"


def under_traffic(stack: LocalStack, harm: Callable[[list[Persistent]], None]) -> list[Persistent]:
    """Runs clients while `harm` is done and while the stack recovers, then compares all they were told.

    Returns the clients.
    """
    stop, calm = threading.Event(), threading.Event()
    clients = [Persistent(stack.gateway_url, stop, calm) for _ in range(LEARNERS)]
    for client in clients:
        client.thread.start()
    try:
        harm(clients)
        calm.set()
        stack.wait_healthy(RECOVERY_SECONDS)
        # By what was started in the place of the killed.
        wait_for(clients, LEARNERS)
    finally:
        stop.set()
        for client in clients:
            client.thread.join(RECOVERY_SECONDS + 15)
    try:
        for client in clients:
            assert client.error is None, repr(client.error)
            client.check()
    finally:
        for client in clients:
            client.learner.client.close()
    return clients


def wait_for(clients: list[Persistent], completions: int) -> None:
    """Waits until this many more completions are acknowledged."""
    wanted = sum(client.done.completions for client in clients) + completions

    def are_there() -> bool:
        assert all(client.error is None for client in clients), [client.error for client in clients]
        return sum(client.done.completions for client in clients) >= wanted

    eventually(are_there, RECOVERY_SECONDS)


@pytest.mark.parametrize("name", PROCESSES)
def test_a_killed_process_loses_nothing_and_counts_nothing_twice(stack: LocalStack, name: str) -> None:
    def harm(clients: list[Persistent]) -> None:
        wait_for(clients, 6)
        stack.kill(name)

    under_traffic(stack, harm)


def test_a_killed_one_of_two_processes_costs_no_call_that_a_repeat_does_not_cure(stack: LocalStack) -> None:
    def harm(clients: list[Persistent]) -> None:
        wait_for(clients, 6)
        stack.kill("session-2")
        # The other has all of it meanwhile.
        wait_for(clients, 6)

    clients = under_traffic(stack, harm)
    assert max(client.most_attempts for client in clients) <= MOST_ATTEMPTS
    for name in SESSION_PROCESSES:
        assert "ExercisesService/SubmitAnswer" in stack.layout.log(name).read_text(), name


def test_a_zone_that_one_process_was_told_holds_at_the_other_for_the_very_next_call(
    stack: LocalStack, learner: Learner
) -> None:
    bearer = ("authorization", learner.client.headers["Authorization"])
    zones = dict(zip(SESSION_PROCESSES, ("Pacific/Kiritimati", "Pacific/Niue"), strict=True))
    with ExitStack() as channels:
        addresses = {name: f"127.0.0.1:{stack.settings.ports.by_listener[name]}" for name in zones}
        stubs = {
            name: SessionServiceStub(channels.enter_context(grpc.insecure_channel(address)))
            for name, address in addresses.items()
        }
        for name in SESSION_PROCESSES * 2:
            said = (bearer, ("x-time-zone", zones[name]))
            started = stubs[name].StartSession(pb.StartSessionRequest(product="exercises"), metadata=said)
            ended = stubs[name].CompleteSession(
                pb.CompleteSessionRequest(name=started.session.name), metadata=said
            )
            assert ended.time_zone == zones[name]
            # Whoever says no zone has the one that was said last, whichever process heard it.
            (other,) = (each for each in SESSION_PROCESSES if each != name)
            started = stubs[other].StartSession(
                pb.StartSessionRequest(product="exercises"), metadata=(bearer,)
            )
            ended = stubs[other].CompleteSession(
                pb.CompleteSessionRequest(name=started.session.name), metadata=(bearer,)
            )
            assert ended.time_zone == zones[name]


def test_completions_survive_a_worker_killed_twice_and_an_emptied_redis_between(stack: LocalStack) -> None:
    def harm(clients: list[Persistent]) -> None:
        wait_for(clients, 6)
        stack.kill("worker")
        wait_for(clients, 6)
        with redis.Redis.from_url(stack.redis_url) as connection:
            connection.flushall()
            stack.kill("redis")
        wait_for(clients, 6)
        stack.kill("worker")
        wait_for(clients, 6)

    under_traffic(stack, harm)


def test_a_sync_that_a_killed_service_broke_off_is_completed_by_a_repeat_and_counts_once(
    stack: LocalStack, learner: Learner
) -> None:
    ended = datetime.now(UTC) - timedelta(days=1)
    # Not all on one day: none has more than its 24 hours.
    ends = [ended - timedelta(minutes=15 * number) for number in range(SYNCED)]
    items = [offline_session(end, answers=[offline_answer(ended)]) for end in ends]
    live = learner.ok("POST", "/v1/sessions", {"product": "exercises"})["session"]["name"]
    items.append({"answer": offline_answer(ended, session=live)})
    with psycopg.connect(stack.database_url) as holder, ThreadPoolExecutor(1) as device:
        # Answers come after the sessions: until the kill, the call cannot be over.
        number = int(live.partition("/")[2])
        holder.execute("SELECT FROM session.practice_session WHERE id = %s FOR UPDATE", [number])
        broken = device.submit(learner.send, "POST", "/v1/sessions:sync", {"items": items})
        with open_client(
            stack.gateway_url, Authorization=learner.client.headers["Authorization"]
        ) as onlooker:
            newest = "/v1/sessions?page_size=1"
            eventually(lambda: onlooker.get(newest).json()["sessions"][0]["name"] != live or broken.done())
        assert not broken.done()
        for name in SESSION_PROCESSES:
            stack.kill(name)
        assert broken.result().status_code >= 500
    stack.wait_healthy(RECOVERY_SECONDS)
    learner.client.timeout = RECOVERY_SECONDS
    # What the killed ones began in the database may go on: who finds it locked is told to repeat.
    answer = eventually(lambda: repeated_sync(learner, items))
    outcomes = Counter(result["outcome"] for result in answer["results"])
    assert outcomes.keys() == {"OUTCOME_ALREADY_KNOWN", "OUTCOME_MERGED"}
    assert outcomes.total() == SYNCED + 1

    deadline = time.monotonic() + SETTLE_SECONDS
    path = f"/v1/standing?product=exercises&min_user_seq={answer['user_seq']}"
    while (standing := learner.ok("GET", path))["pending"]:
        assert time.monotonic() < deadline, f"statistics did not settle: {standing}"
    totals = standing["totals"]
    assert (totals["session_count"], int(totals["elapsed_seconds"])) == (SYNCED, SYNCED * 600)
    assert (totals["answer_count"], totals["correct_answer_count"]) == (SYNCED, SYNCED)


def repeated_sync(learner: Learner, items: list[Any]) -> Any:
    response = learner.send("POST", "/v1/sessions:sync", {"items": items})
    assert response.status_code in {200, 503}, response.text
    return response.json() if response.status_code == 200 else None


def test_a_hung_service_fails_its_callers_soon_and_is_started_anew(
    stack: LocalStack, learner: Learner
) -> None:
    # One that has not answered the watcher since its start is left to start.
    stack.wait_healthy(RECOVERY_SECONDS)
    eventually(asked_by_the_watcher(stack))
    hung = [stack.pid(name) for name in SESSION_PROCESSES]
    for pid in hung:
        os.kill(pid, signal.SIGSTOP)
    try:
        # Nothing of theirs needs the session service.
        learner.ok("GET", "/v1/exercises?page_size=1")
        learner.ok("GET", "/v1/streaks")
        learner.log_in()
        eventually(lambda: refused_within(learner, REFUSED_SECONDS))
        eventually(lambda: not any(psutil.pid_exists(pid) for pid in hung))
    finally:
        for pid in hung:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    stack.wait_healthy(RECOVERY_SECONDS)
    learner.ok("POST", SESSIONS, {"duration_seconds": 60}, status=201)


def refused_within(learner: Learner, seconds: float) -> bool:
    """Returns whether the session service's absence is said that soon."""
    started = time.monotonic()
    try:
        answer = learner.send("GET", f"{SESSIONS}/active")
    except httpx.TimeoutException:
        return False
    return answer.status_code == 503 and time.monotonic() - started < seconds


def test_an_erasure_goes_on_after_identity_was_killed_between_two_answers(
    stack: LocalStack, learner: Learner
) -> None:
    learner.ok("POST", "/v1/sessions:recordStandaloneAnswer", ANSWERED)
    user_id = int(learner.account["user_id"])
    with psycopg.connect(stack.database_url, autocommit=True) as database:
        eventually(lambda: database.execute(COUNTED, [user_id]).fetchone() == (1,))
        stopped = stack.pid("stats")
        # It takes calls and answers none.
        os.kill(stopped, signal.SIGSTOP)
        erasing = threading.Thread(target=lambda: erase(learner), daemon=True)
        try:
            erasing.start()
            eventually(lambda: database.execute(ANSWERS, [user_id]).fetchone() == (3,))
            stack.kill("identity")
        finally:
            with suppress(ProcessLookupError):
                os.kill(stopped, signal.SIGCONT)
        erasing.join(RECOVERY_SECONDS)
        stack.wait_healthy(RECOVERY_SECONDS)

        complete = "SELECT 1 FROM identity.erasure WHERE user_id = %s AND completed_at IS NOT NULL"
        eventually(lambda: database.execute(complete, [user_id]).fetchone())
    assert rows_of(stack.database_url, user_id) == {}
    receipt = learner.ok("POST", "/v1/me:erase", {"password": learner.password, "confirm": True})
    removed = {
        part["service"]: {each["category"]: int(each["count"]) for each in part["removed"]}
        for part in receipt["services"]
    }
    assert receipt["complete"]
    assert (removed["session"]["sessions"], removed["stats"]["completion"]) == (1, 1)


ANSWERED = {"product": "exercises", "answer": {"item": "exercises/123", "text": "hable"}}
COUNTED = "SELECT count(*) FROM stats.completion WHERE user_id = %s"
ANSWERS = (
    "SELECT count(*) FROM identity.erasure_part JOIN identity.erasure USING (receipt_id)"
    " WHERE user_id = %s AND answered_at IS NOT NULL"
)


def erase(learner: Learner) -> None:
    """Asks once; whoever is killed does not answer."""
    with suppress(httpx.TransportError):
        learner.send("POST", "/v1/me:erase", {"password": learner.password, "confirm": True})
