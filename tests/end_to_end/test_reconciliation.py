"""Whatever is lost or damaged in the statistics, a comparison with what happened heals it, once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from deploy.local.stack import LocalStack
from tests.end_to_end.command import practice, start_practice
from tests.end_to_end.conftest import Learner
from tests.end_to_end.facts import copies
from tests.waiting import PATIENCE_SECONDS, eventually

SESSIONS = "/focus/api/v1/sessions"
People = Callable[[int], list[Learner]]
READ = (
    "/v1/standing?product=focus",
    "/v1/standing",
    "/v1/badges",
    "/v1/summaries?period=week",
)

# Between two sessions of a person who practises beside a comparison.
PAUSE_SECONDS = 0.1

# A role is shown nothing of what others wait for, but who is not granted a lock.
WAITING = """
    SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND usename LIKE '%session%'
"""


@pytest.fixture
def database(stack: LocalStack) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def people(stack: LocalStack) -> Iterator[People]:
    """Makes people with accounts."""
    made: list[Learner] = []

    def make(count: int) -> list[Learner]:
        new = [Learner(stack.gateway_url) for _ in range(count)]
        made.extend(new)
        return new

    yield make
    for learner in made:
        learner.client.close()


def reconcile(stack: LocalStack, *words: str, status: int = 0) -> str:
    process = start_practice(stack, "reconcile", "--settle", "0", *words)
    output, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == status, output + errors
    return output


def practise(learner: Learner, times: int) -> None:
    for number in range(times):
        session = learner.ok("POST", SESSIONS, {"duration_seconds": 60}, status=201)["data"]["id"]
        ending = {"elapsed_seconds": 40 + number, "status": "completed"}
        learner.ok("PATCH", f"{SESSIONS}/{session}/end", ending)


def told(learner: Learner) -> list[Any]:
    return [learner.ok("GET", path) for path in READ]


def number_of(learner: Learner) -> int:
    return int(learner.account["user_id"])


def settled(database: psycopg.Connection[Any]) -> None:
    waiting = "SELECT count(*) FROM session.outbox WHERE acked_at IS NULL AND dead_at IS NULL"
    eventually(lambda: database.execute(waiting).fetchone() == (0,))


def damage(database: psycopg.Connection[Any], lost: int, wrong: int, false: int, kept: int) -> None:
    """Loses facts with all that hangs on them, makes progress wrong, makes facts false."""
    database.execute("DELETE FROM session.outbox WHERE user_id = %s", [lost])
    for table in ("completion", "calendar_change", "daily_progress", "standing", "awarded_badge", "learner"):
        database.execute(f"DELETE FROM stats.{table} WHERE user_id = %s", [lost])
    database.execute("UPDATE stats.daily_progress SET session_count = 77 WHERE user_id = %s", [wrong])
    database.execute("INSERT INTO stats.standing VALUES (%s, 'yoga', 1, 1, 1, 1, '{}', '{}')", [wrong])
    database.execute("UPDATE stats.completion SET elapsed_seconds = 5000 WHERE user_id = %s", [false])
    one = "SELECT event_id FROM stats.completion WHERE user_id = %s ORDER BY user_seq LIMIT 1 OFFSET 1"
    (event_id,) = database.execute(one, [kept]).fetchone() or (None,)
    database.execute("DELETE FROM stats.completion WHERE event_id = %s", [event_id])


def test_everything_that_was_lost_or_damaged_is_healed_and_doing_it_again_finds_nothing(
    stack: LocalStack, database: psycopg.Connection[Any], people: People
) -> None:
    learners = people(5)
    for learner in learners:
        practise(learner, 4)
    settled(database)
    before = [told(learner) for learner in learners]
    lost, wrong, false, kept, _ = map(number_of, learners)
    damage(database, lost, wrong, false, kept)
    assert [told(learner) for learner in learners[:2]] != before[:2]

    output = reconcile(stack, "--all", "--deep")

    rows = {line.split()[0]: line.split()[1:] for line in output.splitlines()[1:-1]}
    assert rows[str(lost)][:2] == ["5", "5"]
    assert int(rows[str(wrong)][5]) >= 2
    assert rows[str(false)][3] == "4"
    assert rows[str(kept)][:2] == ["1", "1"]
    assert rows.keys() == set(map(str, (lost, wrong, false, kept)))
    assert "4 differed, 4 are whole" in output
    assert [told(learner) for learner in learners] == before
    for scope in (["--all", "--deep"], [], [f"--user={lost}", f"--user={kept}"]):
        assert "all agree" in reconcile(stack, *scope)
    assert [told(learner) for learner in learners] == before


def test_a_fact_that_nobody_knows_of_is_told_and_stays(
    stack: LocalStack, database: psycopg.Connection[Any], people: People
) -> None:
    (learner,) = people(1)
    practise(learner, 2)
    settled(database)
    user = number_of(learner)
    database.execute(
        copies(
            "'event_id', gen_random_uuid(), 'session_id', 900000000, 'user_seq', 500",
            "user_id = %s LIMIT 1",
        ),
        [user],
    )
    for scope in ([f"--user={user}"], ["--all"]):
        output = reconcile(stack, *scope, status=1)
        assert "1 facts nobody knows of" in output
    assert database.execute(
        "SELECT count(*) FROM stats.completion WHERE user_id = %s", [user]
    ).fetchone() == (3,)
    database.execute("DELETE FROM stats.completion WHERE session_id = 900000000")


def test_nothing_is_healed_falsely_or_counted_twice_while_people_practise(
    stack: LocalStack, database: psycopg.Connection[Any], people: People
) -> None:
    learners = people(3)
    stop, counts, errors = threading.Event(), [0, 0, 0], []

    def stream(place: int) -> None:
        try:
            while not stop.is_set():
                practise(learners[place], 1)
                counts[place] += 1
                stop.wait(PAUSE_SECONDS)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=stream, args=[place], daemon=True) for place in range(3)]
    for thread in threads:
        thread.start()
    try:
        outputs = [reconcile(stack, *scope) for scope in (["--all", "--deep"], [], ["--all"], ["--all"])]
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
    assert not errors
    assert all("all agree" in output for output in outputs), outputs
    settled(database)
    for learner, count in zip(learners, counts, strict=True):
        assert learner.ok("GET", "/v1/standing?product=focus")["totals"]["session_count"] == count
    assert min(counts) > 3


def test_a_run_whose_worker_is_killed_goes_on_when_it_is_asked_for_again(
    stack: LocalStack, database: psycopg.Connection[Any], people: People
) -> None:
    learners = people(6)
    for learner in learners:
        practise(learner, 3)
    settled(database)
    before = [told(learner) for learner in learners]
    users = [number_of(learner) for learner in learners]
    database.execute("DELETE FROM stats.completion WHERE user_id = ANY(%s)", [users])
    gone = "DELETE FROM session.outbox WHERE user_id = ANY(%s)"
    database.execute(gone, [users[:3] + users[4:]])
    # In the middle: what is done for the fourth of them has to wait.
    with psycopg.connect(stack.database_url) as holder:
        holder.execute(gone, [users[3:4]])
        asking = start_practice(stack, "reconcile", "--settle", "0", "--all")
        eventually(lambda: database.execute(WAITING).fetchone())
        stack.kill("recalculator")
        # Before the schedule of a new worker finds the run.
        again = start_practice(stack, "reconcile", "--settle", "0", "--all")
        asking.send_signal(signal.SIGINT)
        asking.communicate(timeout=PATIENCE_SECONDS)

    output, errors = again.communicate(timeout=PATIENCE_SECONDS)
    assert again.returncode == 0, output + errors
    assert "18 events sent again, 18 arrived" in output
    assert "6 differed, 6 are whole" in output
    assert [told(learner) for learner in learners] == before
    assert "all agree" in reconcile(stack, "--all")
    stack.wait_healthy(PATIENCE_SECONDS)


def test_a_run_whose_message_was_lost_is_found_by_the_schedule(
    stack: LocalStack, database: psycopg.Connection[Any], people: People
) -> None:
    (learner,) = people(1)
    practise(learner, 1)
    settled(database)
    before, user = told(learner), number_of(learner)
    database.execute("DELETE FROM stats.completion WHERE user_id = %s", [user])
    database.execute(
        "INSERT INTO stats.reconciliation (run_id, whom, user_ids, deep, settle)"
        " VALUES (gen_random_uuid(), 'users', %s, false, '0')",
        [[user]],
    )
    back = "SELECT count(*) FROM stats.completion WHERE user_id = %s"
    eventually(lambda: database.execute(back, [user]).fetchone() == (1,))
    assert told(learner) == before


def test_a_command_that_cannot_be_done_says_so_in_one_line(stack: LocalStack) -> None:
    for words, complaint in (
        (["--user=1", "--all"], "error: --user or --all, not both"),
        ([], "error: the stats service at 127.0.0.1:1 does not answer"),
    ):
        done = practice(stack, "reconcile", *words, STATS_ADDRESS="127.0.0.1:1")
        assert done.returncode == 1
        assert done.stderr.startswith(complaint)
        assert len(done.stderr.splitlines()) == 1
