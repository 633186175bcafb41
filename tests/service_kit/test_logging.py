"""Tests of the lines that processes log."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime

import pytest

from service_kit.logging import bind, get_logger, joined_lines
from tests.waiting import until

log = get_logger("here")


def test_a_line_has_its_event_its_fields_and_where_and_when_it_was_written(
    log_lines: Callable[[], list[str]],
) -> None:
    log.warning("queue_full", length=3, whose={7})
    line = json.loads(log_lines()[0])
    assert datetime.fromisoformat(line.pop("timestamp")).utcoffset() is not None
    assert line == {
        "service": "test",
        "length": 3,
        "whose": "{7}",
        "event": "queue_full",
        "level": "warning",
        "logger": "here",
    }


def test_what_is_below_the_level_is_left_out(log_lines: Callable[[], list[str]]) -> None:
    log.debug("detail")
    assert log_lines() == []


def test_what_happened_to_several_is_a_line_for_each(log_lines: Callable[[], list[str]]) -> None:
    log.info_each("applied", ({"number": number, "whose": {7}} for number in (1, 2)))
    log.info_each("applied", [])
    log.info("applied", number=3, whose={7})
    lines = [json.loads(line) for line in log_lines()]
    assert [line["number"] for line in lines] == [1, 2, 3]
    alike = [{**line, "number": 0, "timestamp": ""} for line in lines]
    assert alike[0] == alike[1] == alike[2]
    assert lines[0]["timestamp"] == lines[1]["timestamp"]


def test_an_exception_becomes_its_traceback(log_lines: Callable[[], list[str]]) -> None:
    error = ValueError("wrong")
    log.error("given", exc_info=error)
    try:
        raise error
    except ValueError:
        log.exception("handled")
        logging.getLogger("library").exception("%s went wrong", "it")
    lines = [json.loads(line) for line in log_lines()]
    assert [line["event"] for line in lines] == ["given", "handled", "it went wrong"]
    assert all(line["exception"].endswith("ValueError: wrong") for line in lines)
    assert "test_logging.py" in lines[1]["exception"]
    assert not any("exc_info" in line for line in lines)


async def test_what_a_task_binds_is_in_its_lines_and_in_no_others(log_lines: Callable[[], list[str]]) -> None:
    async def call(user_id: int) -> None:
        bind(user_id=user_id)
        await asyncio.sleep(0)
        bind(method="Get")
        log.info("called")
        logging.getLogger("library").warning("said")

    await asyncio.gather(call(1), call(2))
    log.info("outside")
    found = [
        (line["event"], line.get("user_id"), line.get("method")) for line in map(json.loads, log_lines())
    ]
    called = [(event, user, "Get") for user in (1, 2) for event in ("called", "said")]
    assert sorted(found[:-1]) == sorted(called)
    assert found[-1] == ("outside", None, None)


LogLines = Callable[[], list[str]]


def events(log_lines: LogLines) -> list[str]:
    return [json.loads(line)["event"] for line in log_lines()]


async def test_lines_of_a_moment_are_written_together_and_soon(log_lines: LogLines) -> None:
    async def written() -> bool:
        return events(log_lines) == ["one", "two"]

    with joined_lines():
        log.info("one")
        log.info("two")
        assert log_lines() == []
        await until(written)


async def test_a_warning_an_error_and_a_librarys_line_are_written_at_once_behind_what_waits(
    log_lines: LogLines,
) -> None:
    with joined_lines():
        log.info("one")
        log.warning("two")
        assert events(log_lines) == ["one", "two"]
        log.info("three")
        log.error("four")
        log.info("five")
        logging.getLogger("library").info("six")
        assert events(log_lines) == ["one", "two", "three", "four", "five", "six"]


async def test_a_line_of_another_thread_comes_after_those_before_it(log_lines: LogLines) -> None:
    with joined_lines():
        log.info("one")
        thread = threading.Thread(target=log.info, args=("two",))
        thread.start()
        thread.join()
        assert events(log_lines) == ["one", "two"]


async def test_no_more_lines_wait_than_can_be_spared(log_lines: LogLines) -> None:
    with joined_lines():
        for _ in range(499):
            log.info("many")
        assert log_lines() == []
        log.info("many")
        assert len(log_lines()) == 500


async def test_what_waits_is_written_when_the_process_ends(log_lines: LogLines) -> None:
    with pytest.raises(RuntimeError), joined_lines():
        log.info("last")
        raise RuntimeError
    assert events(log_lines) == ["last"]
    log.info("after")
    assert events(log_lines) == ["last", "after"]


PROCESS = """
from service_kit.logging import configure_logging, get_logger
from service_kit.process import run

async def end():
    get_logger("here").info("last")
    {how}

configure_logging("test")
run(end())
"""


@pytest.mark.parametrize(
    "how", ["pass", "raise SystemExit(0)", "raise KeyboardInterrupt", "raise RuntimeError"]
)
def test_a_process_that_ends_by_itself_loses_no_line(how: str) -> None:
    code = PROCESS.format(how=how)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert json.loads(done.stdout)["event"] == "last"


class Collected:
    """Stands for what logs when it is collected."""

    def __init__(self, output: list[str]) -> None:
        self.output = output

    def write(self, text: str) -> None:
        if not self.output:
            log.warning("while writing")
        self.output.append(text)

    def flush(self) -> None:
        pass


async def test_what_is_logged_while_lines_are_written_comes_next(log_lines: LogLines) -> None:
    (handler,) = [each for each in logging.getLogger().handlers if type(each).__module__ == log.__module__]
    assert isinstance(handler, logging.StreamHandler)
    output: list[str] = []
    handler.setStream(Collected(output))
    log.info("first")
    assert [json.loads(text)["event"] for text in output] == ["first", "while writing"]
