"""Structured logs: one JSON object a line on standard output."""

from __future__ import annotations

import logging
import sys
from typing import Any, ClassVar, TextIO

import structlog


class _Lines:
    """Writes finished lines where the standard library's loggers write theirs.

    Not through them: finding a caller and making a record costs more than the line itself.
    """

    # The process's one output; loggers are kept for longer than a test's.
    handler: ClassVar[logging.StreamHandler[TextIO]]

    def __init__(self, name: str = "") -> None:
        self.name = name

    def info(self, line: str) -> None:
        """Writes a line, whatever its level."""
        stream = self.handler.stream
        stream.write(f"{line}\n")
        stream.flush()

    debug = warning = error = critical = info


def configure_logging(service: str, level: str = "INFO") -> None:
    """Sends structlog and the standard library's loggers to standard output as JSON."""
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=processors,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    _Lines.handler = handler
    structlog.configure(
        processors=[*processors, structlog.processors.JSONRenderer()],
        logger_factory=_Lines,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    logging.getLogger("grpc._cython.cygrpc").addFilter(_tells_no_header)
    structlog.contextvars.bind_contextvars(service=service)


def _tells_no_header(record: logging.LogRecord) -> bool:
    """Keeps out gRPC's own words on a header that is not UTF-8: they repeat it, tokens included."""
    return not str(record.msg).startswith("Invalid encoding on")
