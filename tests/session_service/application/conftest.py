"""A world of fakes for each test."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.session_service.application.fakes import World


@pytest.fixture
def world() -> World:
    return World(datetime(2026, 2, 18, 8, 0, tzinfo=UTC))
