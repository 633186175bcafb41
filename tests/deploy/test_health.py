"""Tests of the signs that a process which starts gives of itself."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from deploy import topology
from deploy.local import health
from deploy.local.layout import Layout
from deploy.local.ports import HOST, Ports
from deploy.local.settings import Settings

PROCESSES = {process.name: process for process in topology.PROCESSES}


def test_a_server_shows_life_once_it_listens(tmp_path: Path) -> None:
    with socket.socket() as server:
        server.bind((HOST, 0))
        settings = Settings(Layout(tmp_path), Ports(catalog=server.getsockname()[1]))
        assert not health.shows_life(settings, PROCESSES["catalog"], since=0.0)
        server.listen()
        assert health.shows_life(settings, PROCESSES["catalog"], since=0.0)


def test_a_worker_shows_life_by_a_beat_since_it_was_started(tmp_path: Path) -> None:
    settings = Settings(Layout(tmp_path), Ports())
    beat = settings.layout.heartbeat("worker")
    assert not health.shows_life(settings, PROCESSES["worker"], since=100.0)
    beat.parent.mkdir(parents=True, exist_ok=True)
    beat.touch()
    os.utime(beat, (99.0, 99.0))
    assert not health.shows_life(settings, PROCESSES["worker"], since=100.0)
    os.utime(beat, (100.5, 100.5))
    assert health.shows_life(settings, PROCESSES["worker"], since=100.0)


def test_postgresql_is_asked_at_every_look(tmp_path: Path) -> None:
    assert health.shows_life(Settings(Layout(tmp_path), Ports()), PROCESSES["postgres"], since=0.0)
