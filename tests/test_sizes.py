"""What is small enough to be read: no long file, no crowded folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
SERVICES = ("identity_service", "catalog_service", "session_service", "stats_service")
SOURCE = (*SERVICES, "service_kit", "contract_kit", "gateway", "deploy")
LONGEST_SOURCE, LONGEST_TEST, MOST_IN_A_FOLDER = 450, 400, 25


def files_of(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def longer_than(most: int, files: Iterator[Path]) -> list[str]:
    lengths = ((file, len(file.read_text(encoding="utf-8").splitlines())) for file in files)
    return [f"{file.relative_to(ROOT)}: {length}" for file, length in lengths if length > most]


def test_no_file_is_long() -> None:
    assert longer_than(LONGEST_SOURCE, files_of(*SOURCE)) == []
    assert longer_than(LONGEST_TEST, files_of("tests")) == []


def test_no_folder_of_source_is_crowded() -> None:
    modules = (file for file in files_of(*SOURCE) if file.name != "__init__.py")
    counts = Counter(str(file.parent.relative_to(ROOT)) for file in modules)
    assert [f"{folder}: {count}" for folder, count in counts.items() if count > MOST_IN_A_FOLDER] == []
