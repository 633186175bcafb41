"""The command line of who publishes content, with a fake service behind it that is a real gRPC server."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

import grpc

from tests import programs
from tests.deploy.content_services import TOKEN

Service = TypeVar("Service")


class Editor(Generic[Service]):
    """The commands of one group, and what the service was asked."""

    def __init__(self, group: str, environment: dict[str, str], service: Service) -> None:
        self._group = group
        self._environment = environment
        self.service = service

    def runs(self, *words: str) -> subprocess.CompletedProcess[str]:
        return programs.run("deploy", self._group, *words, env={**os.environ, **self._environment})


@contextmanager
def editing(
    group: str,
    address_setting: str,
    service: Service,
    add_to_server: Callable[[Service, grpc.Server], None],
    directory: Path,
) -> Iterator[Editor[Service]]:
    """Serves for the duration of a block, to commands that show the token of TOKEN."""
    server = grpc.server(ThreadPoolExecutor(max_workers=1))
    add_to_server(service, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    token_file = directory / "token"
    token_file.write_text(f"{TOKEN}\n")
    environment = {address_setting: address, "INTERNAL_TOKEN_FILE": str(token_file), "COLUMNS": "160"}
    yield Editor(group, environment, service)
    server.stop(grace=None).wait()
