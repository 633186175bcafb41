"""Every table of every service is a category of somebody's data, or is known to hold nobody's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from types import ModuleType

import pytest

from catalog_service.adapters.db import personal_data as catalog_data
from catalog_service.adapters.db import tables as catalog_tables
from identity_service.adapters.db import personal_data as identity_data
from identity_service.adapters.db import tables as identity_tables
from identity_service.domain.accounts import Account
from service_kit.db.data_categories import DataCategory, Part
from session_service.adapters.db import personal_data as session_data
from session_service.adapters.db import tables as session_tables
from stats_service.adapters.db import personal_data as stats_data
from stats_service.adapters.db import tables as stats_tables
from tests.databases import SERVICES

ANA = Account(7, "Ana", "Ruiz", "ana@example.com", datetime(2026, 2, 18, tzinfo=UTC))

KEPT: dict[str, tuple[ModuleType, Sequence[DataCategory]]] = {
    "catalog_service": (catalog_tables, catalog_data.DATA_CATEGORIES),
    "identity_service": (identity_tables, identity_data.categories_of(ANA)),
    "session_service": (session_tables, session_data.DATA_CATEGORIES),
    "stats_service": (stats_tables, stats_data.categories()),
}

# What everybody practises, what the platform does by itself, and that somebody was erased.
NOBODYS = {
    "catalog_service": {"achievements", "activities", "exercises", "sequences", "words", "erased_user"},
    "identity_service": {"erasure", "erasure_part"},
    "session_service": {"erased_user", "product_version"},
    "stats_service": {
        "badge_definition",
        "erased_user",
        "leaderboard_closing",
        "leaderboard_key",
        # Which account numbers an operator or the schedule had checked, no more.
        "recalculation",
        "recalculation_shard",
        "reconciliation",
    },
}


def categories_and_parts(categories: Sequence[DataCategory]) -> list[DataCategory | Part]:
    return [each for category in categories for each in (category, *category.parts)]


def test_every_service_says_where_it_keeps_data_of_people() -> None:
    assert set(KEPT) == set(NOBODYS) == set(SERVICES)


@pytest.mark.parametrize("service", sorted(KEPT))
def test_every_table_is_exported_and_erased_unless_it_holds_nobodys_data(service: str) -> None:
    module, categories = KEPT[service]
    named = [each.table.name for each in categories_and_parts(categories)]
    assert len(named) == len(set(named))
    assert {*named, *NOBODYS[service]} == {table.name for table in module.metadata.sorted_tables}
    assert not NOBODYS[service] & set(named)


@pytest.mark.parametrize("service", sorted(KEPT))
def test_only_secrets_and_what_is_there_twice_are_kept_back(service: str) -> None:
    hidden = {
        f"{each.name}.{column}" for each in categories_and_parts(KEPT[service][1]) for column in each.hidden
    }
    secrets = {"requests.request_digest", "requests.response", "requests.response_headers"}
    assert (
        hidden
        == secrets
        | {
            "catalog_service": {"problems.searched", "problems.grams", "problems.shipped_key"},
            "identity_service": {"log_ins.digest", "log_in_failures.subject", "account.password_hash"},
            "session_service": {"drafts.text_digest", "events.payload", "synced_items.digest"},
            "stats_service": {"leaderboard_settings.alias_appearance"},
        }[service]
    )


@pytest.mark.parametrize("service", sorted(KEPT))
def test_what_refers_to_another_table_is_emptied_before_it(service: str) -> None:
    categories = KEPT[service][1]
    place = {}
    for number, category in enumerate(categories):
        # The parts of a category go before the category.
        place.update({part.table.name: 2 * number for part in category.parts})
        place[category.table.name] = 2 * number + 1
    for each in categories_and_parts(categories):
        for key in each.table.foreign_keys:
            if key.column.table.name in place:
                assert place[each.table.name] < place[key.column.table.name], each.name
