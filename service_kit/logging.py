"""Structured logs: one JSON object a line on standard output.

log = get_logger(__name__)
bind(user_id=7)  # every further line of this task has it
log.info("served", milliseconds=3)
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType, TracebackType
from typing import Any, TypeAlias

_Info: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_bound: ContextVar[Mapping[str, Any]] = ContextVar("bound", default=_NOTHING)
_encode = json.JSONEncoder(default=repr).encode


class _Output:
    """The process's one output; until it is configured, what stands for standard output at the moment."""

    def __init__(self) -> None:
        self.handler: logging.StreamHandler[Any] | None = None
        self.level = logging.INFO
        self.fields = _NOTHING

    def write(self, line: str) -> None:
        """Writes a line where the standard library's loggers write theirs.

        Not through them: finding a caller and making a record costs more than the line itself.
        """
        stream = sys.stdout if self.handler is None else self.handler.stream
        stream.write(f"{line}\n")
        stream.flush()


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
            _output.write(_line(level, self._name, event, fields))


def get_logger(name: str) -> Logger:
    """Returns the logger of a module."""
    return Logger(name)


def bind(**fields: Any) -> None:
    """Gives every further line of this task, and of those it begins, these fields."""
    _bound.set({**_bound.get(), **fields})


def _line(level: int, name: str, event: str, fields: dict[str, Any]) -> str:
    error = fields.pop("exc_info", None)
    told = {
        **_output.fields,
        **_bound.get(),
        **fields,
        "event": event,
        "level": logging.getLevelName(level).lower(),
        "logger": name,
        "timestamp": f"{datetime.now(UTC).replace(tzinfo=None).isoformat()}Z",
    }
    if error:
        told["exception"] = _traceback(error)
    return _encode(told)


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


def configure_logging(service: str, level: str = "INFO") -> None:
    """Sends these loggers and the standard library's to standard output as JSON."""
    handler = logging.StreamHandler(sys.stdout)
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
