"""Which database errors pass by themselves, and which are the caller's."""

from __future__ import annotations

from sqlalchemy import exc

# Serialization failure, deadlock, lock or statement timeout, too many
# connections, and every way of a server that starts, stops or crashed.
_TRANSIENT = ("40", "53", "55P03", "57", "08")
# U+0000 in text, and as an escape in JSON: valid everywhere but in PostgreSQL.
_UNSTORABLE = ("22021", "22P05")
# Raised by the triggers of service_kit.db.erasure.
ERASED = "PE001"


def is_unavailable(error: BaseException) -> bool:
    """Tells whether the same call may succeed later because only the database was in the way."""
    if isinstance(error, exc.TimeoutError | ConnectionError | TimeoutError):
        return True
    if not isinstance(error, exc.DBAPIError):
        return False
    return (
        error.connection_invalidated
        or isinstance(error, exc.InterfaceError)
        # psycopg gives no state when it could not even connect.
        or (isinstance(error, exc.OperationalError) and not _state(error))
        or _state(error).startswith(_TRANSIENT)
    )


def is_unstorable_text(error: BaseException) -> bool:
    """Tells whether a text of the request holds U+0000, which PostgreSQL cannot store."""
    return isinstance(error, exc.DBAPIError) and _state(error) in _UNSTORABLE


def is_erased(error: BaseException) -> bool:
    """Tells whether a row was refused because it is of a person who was erased."""
    return isinstance(error, exc.DBAPIError) and _state(error) == ERASED


def _state(error: exc.DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", "") or "")
