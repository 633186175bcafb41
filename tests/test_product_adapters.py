"""Product adapters translate; what a session may do is decided in the domain, by the product's policy row."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.settings import ROOT

ADAPTERS = sorted(ROOT.glob("*_service/adapters/grpc/products/**/*.py"))

DECIDES = """
def show(session):
    if session.state is State.COMPLETED:
        return 1
    return "open" if session.state.value in OPEN else "ended"
"""
TRANSLATES = """
def show(session):
    return Shown(status=WORDS[session.state], outcome=State(request.status), ended=session.ended_at or None)
"""


def conditions(tree: ast.AST) -> Iterator[ast.AST]:
    """Yields whatever code depends on."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If | ast.IfExp | ast.While | ast.Assert):
            yield node.test
        elif isinstance(node, ast.Match):
            yield node.subject
        elif isinstance(node, ast.comprehension):
            yield from node.ifs
        elif isinstance(node, ast.Compare | ast.BoolOp):
            yield node


def asks_for_a_state(condition: ast.AST) -> bool:
    """Tells whether a condition looks at a session's state or names one."""
    return any(
        (isinstance(node, ast.Attribute) and node.attr == "state")
        or (isinstance(node, ast.Name) and node.id == "State")
        for node in ast.walk(condition)
    )


def decisions(source: str) -> list[int]:
    """Returns the lines that decide by a state."""
    lines = {
        condition.lineno
        for condition in conditions(ast.parse(source))
        if isinstance(condition, ast.expr) and asks_for_a_state(condition)
    }
    return sorted(lines)


@pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_product_adapter_decides_by_a_state(adapter: Path) -> None:
    assert decisions(adapter.read_text(encoding="utf-8")) == []


def test_every_service_that_serves_products_is_looked_at() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in ADAPTERS} >= {
        "catalog_service",
        "identity_service",
        "session_service",
        "stats_service",
    }


def test_a_decision_is_seen_and_a_translation_is_none() -> None:
    assert decisions(DECIDES) == [3, 5]
    assert decisions(TRANSLATES) == []
