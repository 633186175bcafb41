"""Which database errors pass by themselves."""

from __future__ import annotations

from sqlalchemy import exc

# Serialization failure, deadlock, lock or statement timeout, too many
# connections, and every way of a server that starts, stops or crashed.
_TRANSIENT = ("40", "53", "55P03", "57", "08")


def is_unavailable(error: BaseException) -> bool:
    """Tells whether the same call may succeed later because only the database was in the way."""
    if isinstance(error, exc.TimeoutError | ConnectionError | TimeoutError):
        return True
    if not isinstance(error, exc.DBAPIError):
        return False
    state = str(getattr(error.orig, "sqlstate", "") or "")
    return (
        error.connection_invalidated or isinstance(error, exc.InterfaceError) or state.startswith(_TRANSIENT)
    )
