"""Worker processes for tests: real ones, on a database and a Redis of their own."""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path

import psutil

from service_kit.broker import COMPLETIONS_QUEUE
from tests import programs
from tests.waiting import PATIENCE_SECONDS


@dataclass
class Worker:
    """A worker's process group."""

    environment: dict[str, str]
    log: Path
    heartbeat: Path
    module: str = "stats_service.worker"
    options: tuple[str, ...] = ("--queues", COMPLETIONS_QUEUE)
    process: programs.Started | None = None

    def start(self) -> None:
        words = ["-A", self.module, "worker", "--loglevel", "INFO"]
        words += [*self.options, "--concurrency", "2"]
        words += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        with self.log.open("ab") as log:
            self.process = programs.start("celery", *words, env=self.environment, output=log)

    def family(self) -> list[psutil.Process]:
        assert self.process is not None
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def kill(self) -> None:
        """Ends every process of it at once, as a power cut would."""
        assert self.process is not None
        for member in self.family():
            with contextlib.suppress(psutil.NoSuchProcess):
                member.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)


def worker_environment(database_url: str, redis_url: str, heartbeat: Path, **more: str) -> dict[str, str]:
    """Returns the settings of a worker that looks at itself often."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("COV")},
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "HEARTBEAT_FILE": str(heartbeat),
        "WATCHDOG_SECONDS": "0.3",
        **more,
    }
