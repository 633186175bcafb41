"""Facts written behind the stats service's back."""

from __future__ import annotations

from stats_service.adapters.db.tables import completion

_COLUMNS = ", ".join(column.name for column in completion.c if column.computed is None)


def copies(changes: str, which: str) -> str:
    """Returns the statement that stores copies of facts with some fields changed, in SQL; `fact` is one."""
    return f"""
        INSERT INTO stats.completion ({_COLUMNS}) SELECT {_COLUMNS} FROM (
            SELECT (jsonb_populate_record(fact, jsonb_build_object({changes}))).*
            FROM stats.completion AS fact WHERE {which}
        ) AS copy
    """
