"""Stubs are made again when anything changed that they are made from."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from tests.generating import load_generator

VERSIONS = {"grpcio-tools": "1.85.0", "mypy-protobuf": "5.1.0"}


@pytest.fixture
def generate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, with its contracts in a directory of the test's."""
    module = load_generator()
    script = tmp_path / "generate.py"
    script.write_text("script")
    monkeypatch.setattr(module, "CONTRACTS", tmp_path)
    monkeypatch.setattr(module, "__file__", str(script))
    return module


def contract(directory: Path, name: str, text: str = "message A {}") -> Path:
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_the_same_contracts_have_the_same_fingerprint(generate: ModuleType, tmp_path: Path) -> None:
    sources = [contract(tmp_path, "practice/a/v1/a.proto")]
    assert generate.fingerprint(sources, VERSIONS) == generate.fingerprint(sources, dict(VERSIONS))


def test_a_moved_contract_changes_the_fingerprint(generate: ModuleType, tmp_path: Path) -> None:
    here = generate.fingerprint([contract(tmp_path, "practice/a/v1/a.proto")], VERSIONS)
    there = generate.fingerprint([contract(tmp_path, "practice/b/v1/a.proto")], VERSIONS)
    assert here != there


def test_a_changed_contract_or_script_changes_the_fingerprint(generate: ModuleType, tmp_path: Path) -> None:
    sources = [contract(tmp_path, "practice/a/v1/a.proto")]
    before = generate.fingerprint(sources, VERSIONS)
    contract(tmp_path, "practice/a/v1/a.proto", "message B {}")
    changed = generate.fingerprint(sources, VERSIONS)
    (tmp_path / "generate.py").write_text("another script")
    assert len({before, changed, generate.fingerprint(sources, VERSIONS)}) == 3


def test_another_compiler_changes_the_fingerprint(generate: ModuleType, tmp_path: Path) -> None:
    sources = [contract(tmp_path, "practice/a/v1/a.proto")]
    newer = {**VERSIONS, "mypy-protobuf": "5.2.0"}
    assert generate.fingerprint(sources, VERSIONS) != generate.fingerprint(sources, newer)


def test_the_versions_are_those_of_the_installed_compilers(generate: ModuleType) -> None:
    versions = generate.compiler_versions()
    assert {"grpcio-tools", "mypy-protobuf"} <= set(versions)
    assert all(versions.values())
