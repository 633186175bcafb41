"""Every error of every service has a reason that the contract knows, of the category it says."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from practice.errors.v1 import error_reason_pb2

from service_kit.errors import ServiceError
from service_kit.grpc.statuses import code_of

ROOT = Path(__file__).parents[1]
PACKAGES = (
    "service_kit",
    "contract_kit",
    "identity_service",
    "catalog_service",
    "session_service",
    "stats_service",
    "gateway",
)
# Entry points read the environment or run when they are imported; no errors live there.
NOT_IMPORTED = re.compile(r"\.(migrations|__main__|(recalculation_)?worker)\b")
PREFIX = "ERROR_REASON_"
CONTRACT = ROOT / "protos/practice/errors/v1/error_reason.proto"
# Its comment names the status: `// NOT_FOUND: no such account.`
DOCUMENTED = re.compile(r"// ([A-Z_]+): (?:(?! = \d).)*?ERROR_REASON_([A-Z_]+) =", re.DOTALL)


@cache
def _known() -> frozenset[str]:
    names = frozenset(name.removeprefix(PREFIX) for name in error_reason_pb2.ErrorReason.keys())  # noqa: SIM118
    return names - {"UNSPECIFIED"}


def _documented() -> dict[str, str]:
    return {reason: status for status, reason in DOCUMENTED.findall(CONTRACT.read_text())}


def _error_classes() -> list[type[ServiceError]]:
    for package in PACKAGES:
        root = importlib.import_module(package)
        for module in pkgutil.walk_packages(root.__path__, f"{package}."):
            if not NOT_IMPORTED.search(module.name):
                importlib.import_module(module.name)
    return sorted(set(_descendants(ServiceError)), key=lambda error: error.__qualname__)


def _descendants(error: type[ServiceError]) -> Iterator[type[ServiceError]]:
    for child in error.__subclasses__():
        if child.__module__.startswith(PACKAGES):
            yield child
            yield from _descendants(child)


def _raised_reasons() -> set[tuple[str, str]]:
    """Every `SomethingError(..., reason="...")` in the source: where, and which."""
    return {
        (f"{path.relative_to(ROOT)}:{call.lineno}", str(keyword.value.value))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("Error")
        for keyword in call.keywords
        if keyword.arg == "reason" and isinstance(keyword.value, ast.Constant)
    }


def test_every_error_of_every_service_has_a_reason_of_the_contract() -> None:
    abstract = {child for child in _error_classes() if child.__module__ == "service_kit.errors"}
    concrete = [child for child in _error_classes() if child not in abstract]
    assert len(concrete) > 10
    unknown = {f"{child.__module__}.{child.__name__}": child.reason for child in concrete}
    assert {name: reason for name, reason in unknown.items() if reason not in _known() - {"INTERNAL"}} == {}


def test_every_reason_given_where_an_error_is_raised_is_of_the_contract() -> None:
    raised = _raised_reasons()
    assert len(raised) > 3
    assert {(where, reason) for where, reason in raised if reason not in _known()} == set()


def test_every_error_ends_a_call_with_the_status_that_the_contract_promises() -> None:
    documented = _documented()
    assert set(documented) == set(_known())
    statuses = {
        child.__qualname__: (child.reason, code_of(child.__new__(child)).name) for child in _error_classes()
    }
    wrong = {
        name: (reason, status)
        for name, (reason, status) in statuses.items()
        if reason != "INTERNAL" and documented[reason] != status
    }
    assert wrong == {}


def _texts() -> set[str]:
    """Every text in the source, by which reasons are given."""
    return {
        node.value
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_every_reason_of_the_contract_is_given_somewhere_unless_it_is_deprecated() -> None:
    values = error_reason_pb2.ErrorReason.DESCRIPTOR.values
    deprecated = {value.name.removeprefix(PREFIX) for value in values if value.GetOptions().deprecated}
    assert _known() - _texts() == deprecated


@pytest.mark.parametrize("reason", ["SESSION_NOT_FOUND", "ETAG_MISMATCH"])
def test_the_contract_is_read_right(reason: str) -> None:
    assert reason in _known()
    assert _documented()[reason] in ("NOT_FOUND", "ABORTED")
