"""Structured logs: one JSON object a line on standard output.

log = get_logger(__name__)
bind(user_id=7)  # every further line of this task has it
log.info("served", milliseconds=3)
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType, TracebackType
from typing import Any, TypeAlias

_Info: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_bound: ContextVar[Mapping[str, Any]] = ContextVar("bound", default=_NOTHING)
_encode = json.JSONEncoder(default=repr).encode


# How long a line may wait for others, and how many wait at most.
_LONGEST_WAIT_SECONDS = 0.05
_MOST_WAITING = 500


class _Output:
    """The process's one output; until it is configured, what stands for standard output at the moment."""

    def __init__(self) -> None:
        self.handler: logging.StreamHandler[Any] | None = None
        self.level = logging.INFO
        self.fields = _NOTHING
        self._waiting: list[str] = []
        self._writing = False
        # Whoever writes may be made to log by the garbage collector.
        self.lock = threading.RLock()
        # The loop that writes what waits, and its thread.
        self._joining: tuple[asyncio.AbstractEventLoop, int] | None = None

    def write(self, line: str, *, at_once: bool) -> None:
        """Writes a line where the standard library's loggers write theirs, after all that wait.

        Not through them: finding a caller and making a record costs more than the line itself.
        """
        text = f"{line}\n"
        with self.lock:
            self._waiting.append(text)
            if at_once or self._joining is None or len(self._waiting) >= _MOST_WAITING:
                self._write_waiting()
                return
            loop, thread = self._joining
            if threading.get_ident() != thread:
                self._write_waiting()
            elif len(self._waiting) == 1:
                loop.call_later(_LONGEST_WAIT_SECONDS, self.flush)

    def flush(self) -> None:
        """Writes what waits."""
        with self.lock:
            self._write_waiting()

    def join(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Lets lines of this thread wait for each other while the loop runs; None ends that."""
        with self.lock:
            self._joining = (loop, threading.get_ident()) if loop is not None else None
            self._write_waiting()

    def _write_waiting(self) -> None:
        if self._writing:
            return
        self._writing = True
        try:
            while self._waiting:
                lines, self._waiting = self._waiting, []
                stream = sys.stdout if self.handler is None else self.handler.stream
                stream.write("".join(lines))
                stream.flush()
        finally:
            self._writing = False


_output = _Output()


class Logger:
    """Writes lines under the name of a module: an event and its fields.

    A field `exc_info`, an exception or True for the one being handled, becomes its traceback.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def debug(self, event: str, /, **fields: Any) -> None:
        """Writes what only a developer wants to know."""
        self._log(logging.DEBUG, event, fields)

    def info(self, event: str, /, **fields: Any) -> None:
        """Writes what happened."""
        self._log(logging.INFO, event, fields)

    def info_each(self, event: str, each: Iterable[Mapping[str, Any]], /) -> None:
        """Writes what happened to several at once, a line for the fields of each: in one piece."""
        if _output.level > logging.INFO:
            return
        before, after = _around(logging.INFO, self._name, event)
        lines = [_encode({**before, **fields, **after}) for fields in each]
        if lines:
            _output.write("\n".join(lines), at_once=False)

    def warning(self, event: str, /, **fields: Any) -> None:
        """Writes what an operator should know of."""
        self._log(logging.WARNING, event, fields)

    def error(self, event: str, /, **fields: Any) -> None:
        """Writes what an operator should look into."""
        self._log(logging.ERROR, event, fields)

    def exception(self, event: str, /, **fields: Any) -> None:
        """Writes an error with the exception being handled."""
        self._log(logging.ERROR, event, {"exc_info": True, **fields})

    def _log(self, level: int, event: str, fields: dict[str, Any]) -> None:
        if level >= _output.level:
            _output.write(_line(level, self._name, event, fields), at_once=level > logging.INFO)


def get_logger(name: str) -> Logger:
    """Returns the logger of a module."""
    return Logger(name)


def bind(**fields: Any) -> None:
    """Gives every further line of this task, and of those it begins, these fields."""
    _bound.set({**_bound.get(), **fields})


def _line(level: int, name: str, event: str, fields: dict[str, Any]) -> str:
    error = fields.pop("exc_info", None)
    before, after = _around(level, name, event)
    told = {**before, **fields, **after}
    if error:
        told["exception"] = _traceback(error)
    return _encode(told)


def _around(level: int, name: str, event: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Returns what a line of this moment has before its own fields and after them."""
    after = {
        "event": event,
        "level": logging.getLevelName(level).lower(),
        "logger": name,
        "timestamp": f"{datetime.now(UTC).replace(tzinfo=None).isoformat()}Z",
    }
    return {**_output.fields, **_bound.get()}, after


def _traceback(error: BaseException | _Info | bool) -> str:
    if error is True:
        error = sys.exc_info()
    found = error[1] if isinstance(error, tuple) else error
    return "".join(traceback.format_exception(found)).rstrip() if isinstance(found, BaseException) else ""


class _Records(logging.Formatter):
    """Makes such lines of what libraries log by the standard library."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line."""
        return _line(record.levelno, record.name, record.getMessage(), {"exc_info": record.exc_info})


class _Handler(logging.StreamHandler[Any]):
    """Writes what libraries log in its place among the other lines."""

    def createLock(self) -> None:  # noqa: N802 - as the standard library has it
        """Shares the output's lock: with another one, two threads could wait for each other for ever."""
        super().createLock()
        self.lock = _output.lock

    def emit(self, record: logging.LogRecord) -> None:
        """Writes a record at once."""
        try:
            _output.write(self.format(record), at_once=True)
        except Exception:
            self.handleError(record)


@contextmanager
def joined_lines() -> Iterator[None]:
    """Writes the lines of a moment together while the running loop is in the block.

    Each write wakes whoever reads the log. A line waits at most 50 ms, a warning
    or an error not at all. What a process killed by a signal had not written is lost.
    """
    _output.join(asyncio.get_running_loop())
    try:
        yield
    finally:
        _output.join(None)


def configure_logging(service: str, level: str = "INFO") -> None:
    """Sends these loggers and the standard library's to standard output as JSON."""
    handler = _Handler(sys.stdout)
    handler.setFormatter(_Records())
    _output.handler = handler
    _output.level = logging.getLevelNamesMapping()[level.upper()]
    _output.fields = {"service": service}
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    logging.getLogger("grpc._cython.cygrpc").addFilter(_tells_no_header)


def _tells_no_header(record: logging.LogRecord) -> bool:
    """Keeps out gRPC's own words on a header that is not UTF-8: they repeat it, tokens included."""
    return not str(record.msg).startswith("Invalid encoding on")
