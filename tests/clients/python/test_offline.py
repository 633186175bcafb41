"""What was practised without a network is in a file, survives kills, and is counted once."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.local.stack import LocalStack
from tests.clients.network import Network
from tests.clients.python.scripted import Answer, scripted
from tests.stack import Learner
from tests.waiting import PATIENCE_SECONDS, eventually

PHONE = Path(__file__).with_name("phone.py")
Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def network(stack: LocalStack) -> Iterator[Network]:
    network = Network(stack.gateway_url)
    yield network
    network.go()


@pytest.fixture
def start(clean_python: Path, network: Network, learner: Learner, tmp_path: Path) -> Iterator[Start]:
    """Starts the phone; it does not outlive the test."""
    started: list[subprocess.Popen[str]] = []

    def start(action: str) -> subprocess.Popen[str]:
        words = (network.url, learner.tokens["access_token"], str(tmp_path / "queue.sqlite3"), action)
        command = [str(clean_python), "-I", str(PHONE), *words]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for program in started:
        program.kill()
        program.communicate()


def test_what_is_handed_in_by_a_phone_that_dies_is_counted_once(
    start: Start, network: Network, learner: Learner
) -> None:
    practising = start("practise")
    assert practising.stdout is not None
    assert practising.stdout.readline() == "3\n"
    practising.kill()

    # The platform has it, and the phone never hears.
    network.loses_answers = True
    unheard = start("sync")
    eventually(lambda: len(learner.ok("GET", "/v1/sessions?product=focus")["sessions"]) == 3)
    unheard.kill()

    network.loses_answers = False
    told, _ = start("sync").communicate(timeout=PATIENCE_SECONDS)
    on_record, refused, waiting, user_seq = map(int, told.split())
    assert (on_record, refused, waiting) == (3, 0, 0)
    assert len(learner.ok("GET", "/v1/sessions?product=focus")["sessions"]) == 3
    standing = learner.ok("GET", f"/v1/standing?product=focus&min_user_seq={user_seq}")
    assert standing["totals"]["session_count"] == 3


def add_to(queue: Any, **changed: Any) -> str:
    now = datetime.now(UTC)
    times = {"start_time": now - timedelta(minutes=10), "end_time": now}
    kind = {"product": "focus", "outcome": "completed", "planned_seconds": 600, "time_zone": "Europe/Madrid"}
    added: str = queue.add_session(**{**kind, **times, **changed})
    return added


def test_what_is_refused_stays_with_its_reason_and_holds_nothing_up(
    client: Any, stack: LocalStack, learner: Learner, tmp_path: Path
) -> None:
    queue = client.OfflineQueue(tmp_path / "queue.sqlite3")
    tokens = client.Tokens(learner.tokens["access_token"])
    wrong = add_to(queue, product="chess")
    answers = [{"item": "exercises/123", "text": "hable", "answer_time": datetime.now(UTC)}]
    add_to(queue, product="exercises", mode="practice", planned_seconds=None, answers=answers)

    async def hand_in() -> Any:
        async with client.AsyncPractice(stack.gateway_url, tokens=tokens) as practice:
            return await practice.sync(queue)

    report = asyncio.run(hand_in())
    assert (report.merged, report.already_known, report.refused, report.refused_answers) == (1, 0, 1, ())
    assert len(queue) == 0
    (refusal,) = queue.refusals()
    assert (refusal.item_id, refusal.reason) == (wrong, "PRODUCT_UNKNOWN")
    assert refusal.item["session"]["product"] == "chess"
    queue.retry(wrong)
    assert len(queue) == 1
    with client.Practice(stack.gateway_url, tokens=tokens) as practice:
        assert practice.sync(queue).refused == 1
    queue.discard(wrong)
    assert queue.refusals() == []
    queue.close()


def done(item_id: str) -> Answer:
    result = {
        "client_id": item_id,
        "outcome": "OUTCOME_MERGED",
        "session": "sessions/1",
        "refused_answers": [],
    }
    return Answer(body={"results": [result], "user_seq": "1", "statistics_pending": False})


def test_a_batch_that_was_begun_is_sent_again_as_it_was(client: Any, tmp_path: Path) -> None:
    file = tmp_path / "queue.sqlite3"
    queue = client.OfflineQueue(file)
    first = add_to(queue)
    once = client.Retries(tries=1)
    with (
        scripted(Answer(503)) as away,
        client.Practice(away.url, retries=once) as practice,
        pytest.raises(client.ApiError),
    ):
        practice.sync(queue)
    queue.close()

    queue = client.OfflineQueue(file)
    second = add_to(queue)
    with scripted(done(first), done(second)) as back, client.Practice(back.url, retries=once) as practice:
        assert practice.sync(queue).merged == 2
    (begun,), (repeated, new) = away.received, back.received
    assert repeated.body == begun.body
    assert repeated.headers["idempotency-key"] == begun.headers["idempotency-key"]
    assert [item["session"]["client_id"] for item in new.body["items"]] == [second]
    assert new.headers["idempotency-key"] != begun.headers["idempotency-key"]
    assert len(queue) == 0
    queue.close()
