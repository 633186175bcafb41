"""What editors read about conditions is what conditions know."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from stats_service.adapters.cel.conditions import compile_condition
from stats_service.domain.conditions import SESSION_FACTS, SUMS

DOCUMENT = (Path(__file__).parents[3] / "docs/badges.md").read_text(encoding="utf-8")
EXAMPLES = DOCUMENT.split("```")[1].strip().splitlines()


def table(heading: str) -> Mapping[str, str]:
    rows = DOCUMENT.split(f"| {heading} | is |\n| --- | --- |\n")[1].split("\n\n")[0]
    return dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", rows, re.MULTILINE))


def test_every_variable_is_documented_as_it_is_defined() -> None:
    assert table("sum") == SUMS
    assert table("fact") == SESSION_FACTS


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_a_condition(example: str) -> None:
    assert compile_condition(example).variables
