"""Reads stored progress by the column, to hold it against what is derived."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import psycopg

from stats_service.adapters.db import text_codes
from stats_service.adapters.db.fact_columns import DAY_ZERO, ints, read_rows
from stats_service.domain import digest
from stats_service.domain.digest import RowSet
from stats_service.domain.facts import Ints

_PRODUCT, _BADGE = text_codes.products().expression, text_codes.badges().expression
_SUMS = ("session_count", "elapsed_seconds", "answer_count", "correct_answer_count")
_ORDER = "ORDER BY user_id"


class DerivedColumns:
    """Reads what digest.digests takes, on any connection; remembers which texts have which hashes."""

    def __init__(self) -> None:
        self._products = text_codes.products()
        self._badges = text_codes.badges()

    def read(self, driver: psycopg.Connection[Any], whose: str) -> Sequence[RowSet]:
        """Returns the stored rows of people selected by a condition in SQL, as digest.kinds_of has them."""
        days = f"stats.daily_progress WHERE {whose}"
        standings = f"stats.standing WHERE {whose}"
        spans = f"stats.standing, unnest(days) AS span WHERE {whose}"
        frozen = f"stats.standing, unnest(frozen) AS day WHERE {whose}"
        awards = f"stats.awarded_badge WHERE {whose}"
        # A span without an end, which nobody derives, reads as one that is not there.
        return (
            self._rows(driver, self._products, days, _PRODUCT, days=["local_date"], numbers=_SUMS),
            self._rows(driver, self._products, standings, _PRODUCT, numbers=_SUMS),
            self._rows(driver, self._products, spans, _PRODUCT, days=["lower(span)", "upper(span) - 1"]),
            self._rows(driver, self._products, frozen, _PRODUCT, days=["day"]),
            self._rows(driver, self._badges, awards, _BADGE, numbers=["version", "user_seq"]),
        )

    def _rows(
        self,
        driver: psycopg.Connection[Any],
        codes: text_codes.Codes[str],
        source: str,
        code: str,
        *,
        days: Sequence[str] = (),
        numbers: Sequence[str] = (),
    ) -> RowSet:
        fields = ["int8send(user_id)", f"int8send({code})"]
        fields += [f"date_send({each})" for each in days]
        fields += [f"int8send({each})" for each in numbers]
        widths = [">i8", ">i8", *[">i4"] * len(days), *[">i8"] * len(numbers)]
        row = np.dtype([(f"c{place}", width) for place, width in enumerate(widths)])
        rows = read_rows(driver, " || ".join(fields), source, _ORDER, row)
        texts, text = codes.resolve(driver, source, rows["c1"])
        columns: list[Ints] = [digest.text_codes(texts)[text]]
        columns += [ints(rows[f"c{place}"]) + DAY_ZERO for place in range(2, 2 + len(days))]
        columns += [ints(rows[f"c{place}"]) for place in range(2 + len(days), len(widths))]
        return RowSet(ints(rows["c0"]), columns)
