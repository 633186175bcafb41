"""Texts that travel as PostgreSQL's hashes of them, where few are distinct."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar, cast

import numpy as np
import psycopg

from stats_service.domain.calendar import Calendar
from stats_service.domain.facts import Ints

T = TypeVar("T")


class Codes(Generic[T]):
    """What codes stand for, as far as any was met.

    `expression` is the code in SQL, made of `columns` alone; `mean` makes what
    is meant from their values.
    """

    def __init__(self, expression: str, columns: Sequence[str], mean: Callable[..., T]) -> None:
        self.expression = expression
        self._columns = columns
        self._mean = mean
        self._codes: Ints = np.zeros(0, np.int64)
        self._values: list[tuple[Any, ...]] = []

    def resolve(
        self,
        driver: psycopg.Connection[Any],
        source: str,
        codes: Any,
        values: Mapping[str, Any] | None = None,
    ) -> tuple[tuple[T, ...], Ints]:
        """Returns what is meant, each once and in order, and the place among them for each code.

        `source` is the table, and what was chosen of it by these values, that the codes are of.
        """
        column = np.asarray(codes, np.int64)
        if not len(column):
            return (), column
        places = self._places(column)
        if places is None:
            self._learn(driver, source, values)
            places = self._places(column)
            assert places is not None, "a row that was read is gone from its own snapshot"
        used = np.flatnonzero(np.bincount(places, minlength=len(self._values))).tolist()
        used.sort(key=self._values.__getitem__)
        rank = np.zeros(len(self._values), np.int64)
        rank[used] = np.arange(len(used))
        return tuple(self._mean(*self._values[place]) for place in used), rank[places]

    def _places(self, codes: Ints) -> Ints | None:
        if not len(self._codes):
            return None
        places = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
        return places if (self._codes[places] == codes).all() else None

    def _learn(self, driver: psycopg.Connection[Any], source: str, values: Mapping[str, Any] | None) -> None:
        known = dict(zip(self._codes.tolist(), self._values, strict=True))
        query = f"SELECT DISTINCT {self.expression}, {', '.join(self._columns)} FROM {source}"  # noqa: S608
        found = driver.execute(cast("Any", query), values or None)
        known |= {code: tuple(meant) for code, *meant in found}
        self._codes = np.array(sorted(known), np.int64)
        self._values = [known[code] for code in sorted(known)]


def texts(column: str) -> Codes[str]:
    """Returns the codes of a column of texts."""
    return Codes(f"hashtextextended({column}, 0)", (column,), str)


def products() -> Codes[str]:
    """Returns the codes of products' names."""
    return texts("product")


def calendars() -> Codes[Calendar]:
    """Returns the codes of calendars: the zone's hash, whose low five bits make room for the hour.

    A zone that this machine does not know keeps its name: another may know it.
    """
    return Codes(
        "(hashtextextended(time_zone, 0) & -32) | rollover_hour", ("time_zone", "rollover_hour"), Calendar
    )


def settings() -> Codes[tuple[str, Calendar]]:
    """Returns the codes of where a session was practised: its product, zone and rollover hour in one hash."""
    return Codes(
        "hashtextextended(product, hashtextextended(time_zone, rollover_hour))",
        ("product", "time_zone", "rollover_hour"),
        lambda product, zone, hour: (product, Calendar(zone, hour)),
    )


def badges() -> Codes[str]:
    """Returns the codes of badges' ids."""
    return texts("badge_id")
