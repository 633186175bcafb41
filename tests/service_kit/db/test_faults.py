"""Tests of which errors of a database pass by themselves."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import exc

from service_kit.db.faults import is_unavailable

LOST = (psycopg.OperationalError, psycopg.InterfaceError)


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (exc.TimeoutError(), True),
        (exc.OperationalError("SELECT", {}, psycopg.OperationalError("connection refused")), True),
        (exc.DBAPIError("SELECT", {}, psycopg.errors.SerializationFailure("again")), True),
        (exc.IntegrityError("SELECT", {}, psycopg.errors.UniqueViolation("twice")), False),
        (psycopg.errors.DeadlockDetected("again"), True),
        (psycopg.errors.SyntaxError("never"), False),
        (ValueError("ours"), False),
    ],
)
def test_an_error_passes_by_its_state(error: Exception, passes: bool) -> None:
    assert is_unavailable(error) == passes
    assert is_unavailable(error, lost=LOST) == passes


def test_a_drivers_lost_connection_has_no_state_and_passes_for_who_names_its_error() -> None:
    error = psycopg.OperationalError("server closed the connection unexpectedly")
    assert is_unavailable(error, lost=LOST)
    assert not is_unavailable(error)
