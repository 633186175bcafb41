"""Classifies database errors: those that pass by themselves, and those that are the caller's fault."""

from __future__ import annotations

from sqlalchemy import exc

# Serialization failure, deadlock, lock or statement timeout, too many
# connections, and every way of a server that starts, stops or crashed.
_TRANSIENT = ("40", "53", "55P03", "57", "08")
# U+0000 in text, and as an escape in JSON: valid everywhere but in PostgreSQL.
_UNSTORABLE = ("22021", "22P05")
_UNIQUE = "23505"
# Raised by the triggers of service_kit.db.erasure.
ERASED = "PE001"


def is_unavailable(error: BaseException, lost: tuple[type[BaseException], ...] = ()) -> bool:
    """Tells whether the same call may succeed later because only the database was in the way.

    Who gives statements to a driver itself names those of the driver's errors that it raises when a
    connection is `lost`.
    """
    if isinstance(error, exc.TimeoutError | ConnectionError | TimeoutError):
        return True
    if not isinstance(error, exc.DBAPIError):
        return _passes(error, lost=isinstance(error, lost))
    return (
        error.connection_invalidated
        or isinstance(error, exc.InterfaceError)
        or _passes(error.orig, lost=isinstance(error, exc.OperationalError))
    )


def is_unstorable_text(error: BaseException) -> bool:
    """Tells whether a text of the request holds U+0000, which PostgreSQL cannot store."""
    return isinstance(error, exc.DBAPIError) and _state(error) in _UNSTORABLE


def is_erased(error: BaseException) -> bool:
    """Tells whether a row was refused because it is of a user who was erased."""
    return isinstance(error, exc.DBAPIError) and _state(error) == ERASED


def is_taken(error: BaseException) -> bool:
    """Tells whether a row was refused because another has what only one may have."""
    return isinstance(error, exc.DBAPIError) and _state(error) == _UNIQUE


def _passes(error: BaseException | None, *, lost: bool) -> bool:
    """Tells so by the error's state; psycopg gives none when it could not connect or lost the connection."""
    state = _sqlstate(error)
    return state.startswith(_TRANSIENT) if state else lost


def _state(error: exc.DBAPIError) -> str:
    return _sqlstate(error.orig)


def _sqlstate(error: BaseException | None) -> str:
    return str(getattr(error, "sqlstate", "") or "")
