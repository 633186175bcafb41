"""What is added to a contract is refused without words, or without an example."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.openapi.documents import DOCUMENTS, without_example
from gateway.settings import ROOT
from tests.generating import load_generator
from tests.waiting import PATIENCE_SECONDS

FOCUS = Path("practice/products/focus/v1/focus_service.proto")
MESSAGE = "message StreakSummary {"
SERVICE = "service FocusProgressService {"
BEST_DAY = """
  rpc GetBestDay(GetStreakRequest) returns (GetStreakResponse) {
    option (google.api.http) = {get: "/focus/api/v1/bestDay"};
  }
"""

Change = Callable[[str, str], Path]


@pytest.fixture
def change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Change:
    """Adds a text behind another one in a copy of a contract; returns the contracts with it."""
    copy = tmp_path / "protos"
    shutil.copytree(ROOT / "protos" / "practice", copy / "practice")
    generator = load_generator()
    monkeypatch.setattr(generator, "CONTRACTS", copy)

    def change(place: str, added: str) -> Path:
        contract = copy / FOCUS
        text = contract.read_text()
        assert text.count(place) == 1
        contract.write_text(text.replace(place, f"{place}\n{added}"))
        target = tmp_path / "practice.binpb"
        names = sorted(str(path.relative_to(copy)) for path in copy.glob("practice/**/*.proto"))
        generator.write_descriptors(names, ROOT / "generated" / "validate.binpb", target)
        return target

    return change


def lint(contracts: Path) -> str:
    """Returns what the rules of contracts find, as `make lint` asks them."""
    buf = Path(sysconfig.get_path("scripts")) / "buf"
    done = subprocess.run(
        [buf, "lint", contracts, "--config", ROOT / "protos" / "buf.yaml", "--path", "practice"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert (done.returncode == 0) == (not done.stdout), done.stderr
    return done.stdout


def test_a_field_needs_a_comment(change: Change) -> None:
    found = lint(change(MESSAGE, "  int32 colour = 9;"))
    assert 'Field "colour" should have a non-empty comment' in found
    assert len(found.splitlines()) == 1


def test_a_call_needs_a_comment(change: Change) -> None:
    found = lint(change(SERVICE, BEST_DAY))
    assert 'RPC "GetBestDay" should have a non-empty comment' in found


def test_a_call_needs_an_example(change: Change) -> None:
    contracts = change(SERVICE, f"  // Returns the learner's best day.{BEST_DAY}")
    assert lint(contracts) == ""
    missing = {described.name: without_example(contracts, described) for described in DOCUMENTS}
    assert {name: calls for name, calls in missing.items() if calls} == {"focus": ["getBestDay"]}
