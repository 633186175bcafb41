"""Tests of the lines that processes log."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import datetime

from service_kit.logging import bind, get_logger

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
