"""What an operator meets: people by address, nobody as nobody, a status and logs that tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.stack import LocalStack
from tests.end_to_end.command import practice
from tests.end_to_end.conftest import Learner
from tests.waiting import eventually


def test_a_person_is_found_by_what_is_known_of_them(stack: LocalStack, learner: Learner) -> None:
    by_address = practice(stack, "user", "find", learner.email.upper())
    assert by_address.returncode == 0, by_address.stderr
    header, row = by_address.stdout.splitlines()
    assert header.split() == ["number", "name", "email", "signed", "up"]
    number = str(learner.account["user_id"])
    assert row.split()[:4] == [number, "Ana", "Gil", learner.email]
    assert practice(stack, "user", "find", number).stdout == by_address.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("explain", "{}"),
        ("streak", "grant-freeze", "{}", "--product", "yoga", "--reason", "our outage"),
        ("streak", "entries", "{}"),
        ("recalculate", "--user", "{}"),
        ("reconcile", "--user", "{}", "--settle", "0"),
        ("export", "{}", "--to", "{}.zip"),
        ("erase", "{}", "--yes"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_an_address_stands_for_a_person_in_every_command_and_nobody_is_told_as_nobody(
    stack: LocalStack,
    learner: Learner,
    tmp_path: Path,
    words: tuple[str, ...],
) -> None:
    def run(who: str) -> tuple[int, str]:
        named = [
            str(tmp_path / word.format("data")) if ".zip" in word else word.format(who) for word in words
        ]
        done = practice(stack, *named)
        return done.returncode, done.stderr

    nobody = "nobody.at.all@example.com"
    assert run(nobody) == (1, f"error: there is no account {nobody}\n")
    if words[0] != "erase":
        assert run("987654321") == (1, "error: there is no account 987654321\n")
    code, said = run(learner.email)
    assert code == 0, said


@pytest.mark.parametrize("who", ["0", "-1", "ana", "", str(2**63)])
def test_what_names_nobody_is_refused_as_a_wrong_word(stack: LocalStack, who: str) -> None:
    assert practice(stack, "user", "find", who).returncode == 2


def test_the_status_tells_restarts_uptime_and_what_waits(stack: LocalStack) -> None:
    def rows() -> dict[str, list[str]]:
        lines = practice(stack, "status").stdout.splitlines()
        return {line.split()[0]: line.split() for line in lines if line}

    before = eventually(lambda: (now := rows())["recalculator"][2] == "healthy" and now)
    stack.kill("recalculator")
    stack.wait_healthy(180)
    after = rows()
    assert int(after["recalculator"][3]) == int(before["recalculator"][3]) + 1
    assert after["relay"][2] == "healthy"
    assert f"operators {stack.operators_url}" in practice(stack, "status").stdout


def test_a_request_is_found_in_the_logs_by_its_id(stack: LocalStack, learner: Learner) -> None:
    answer = learner.send("GET", "/v1/standing")
    request_id = answer.headers["x-request-id"]

    def found() -> str:
        done = practice(stack, "logs", "--request", request_id)
        # The gateway writes what it has to say once a second, after the services.
        processes = {line.split(" | ")[0].strip() for line in done.stdout.splitlines()}
        return done.stdout if "gateway" in processes else ""

    shown = eventually(found)
    assert all(" | " in line for line in shown.splitlines())
    assert "/v1/standing" in shown
    unfiltered = practice(stack, "logs", "-n", "200").stdout.splitlines()
    assert len({line.split(" | ")[0].strip() for line in unfiltered}) > 1
