"""Whatever is a person's begins its keys with the person."""

from __future__ import annotations

import pytest
from sqlalchemy import Table

from session_service.adapters.db import tables as session_tables
from stats_service.adapters.db import tables as stats_tables

# Its events may be nobody's: not even whose they are could be read.
NOT_ALWAYS_SOMEBODYS = {"stats.rejected_event"}

PERSONAL = [
    table
    for module in (session_tables, stats_tables)
    for table in module.metadata.sorted_tables
    if "user_id" in table.c and table.fullname not in NOT_ALWAYS_SOMEBODYS
]


@pytest.mark.parametrize("table", PERSONAL, ids=lambda table: table.fullname)
def test_the_primary_key_begins_with_the_person(table: Table) -> None:
    assert next(iter(table.primary_key.columns)).name == "user_id"


@pytest.mark.parametrize("table", PERSONAL, ids=lambda table: table.fullname)
def test_what_belongs_to_something_of_a_persons_belongs_to_the_same_person(table: Table) -> None:
    for key in table.foreign_key_constraints:
        if key.referred_table in PERSONAL:
            assert key.column_keys[0] == "user_id"
            assert next(iter(key.elements)).column.name == "user_id"


def test_what_belongs_to_a_person_says_so() -> None:
    nobodys = {
        "product_version",
        "badge_definition",
        "leaderboard_closing",
        "leaderboard_key",
        "recalculation",
    }
    nobodys |= {"recalculation_shard", "reconciliation"}
    every = {*session_tables.metadata.sorted_tables, *stats_tables.metadata.sorted_tables}
    assert {table.name for table in every if "user_id" not in table.c} == nobodys
