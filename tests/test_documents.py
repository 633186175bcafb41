"""The documents lead where they say, none is lost, and decisions say what else was considered."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import typer.core
import typer.main

from deploy import cli

ROOT = Path(__file__).parents[1]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")
_ANCHOR = re.compile(r"\]\((?!https?://)([^)#\s]*)#([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"`(?:[A-Z_]+=\S+ )*(make|practice) ([^`]+)`")
# Who reads it; what is made by a program says so before.
_OPENING = re.compile(r"# [^\n]+\n\n(?:<!--.*?-->\n\n)?For \S", re.DOTALL)
# What is built is there for who has built it.
_FOLDERS = sorted(
    path.name
    for path in ROOT.iterdir()
    if path.is_dir() and path.name[0] != "." and path.name not in {"build", "generated"}
)
_PATH = re.compile(rf"`((?:{'|'.join(_FOLDERS)})/[\w/.-]*)`")
_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`|`::(\w+)`")


def test_every_link_leads_to_a_file() -> None:
    lost = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in DOCUMENTS
        for target in _LINK.findall(document.read_text(encoding="utf-8"))
        if not (document.parent / target).exists()
    ]
    assert lost == []


def headings(text: str) -> Iterator[str]:
    """Yields the anchors of a document's headings, as GitHub names them."""
    seen: Counter[str] = Counter()
    for heading in _HEADING.findall(_FENCED.sub("", text)):
        shown = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
        anchor = re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")
        yield f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor
        seen[anchor] += 1


def test_every_anchor_is_a_heading() -> None:
    lost = [
        f"{document.relative_to(ROOT)}: {target}#{anchor}"
        for document in DOCUMENTS
        for target, anchor in _ANCHOR.findall(document.read_text(encoding="utf-8"))
        if (page := document.parent / target if target else document).suffix == ".md"
        and anchor not in headings(page.read_text(encoding="utf-8"))
    ]
    assert lost == []


def test_every_command_that_is_named_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    practice = typer.main.get_command(cli.app)
    lost = [
        f"{document.relative_to(ROOT)}: {program} {words}"
        for document in DOCUMENTS
        if document.parent.name != "adr" and document.name != "CHANGELOG.md"
        for program, words in _COMMAND.findall(document.read_text(encoding="utf-8"))
        if not (words.split()[0] in targets if program == "make" else is_command(practice, words.split()))
    ]
    assert lost == []


def is_command(command: object, words: list[str]) -> bool:
    """Tells whether words begin with those of a command, or are its options."""
    if not isinstance(command, typer.core.TyperGroup) or not words or words[0].startswith("-"):
        return True
    inner = command.commands.get(words[0])
    return inner is not None and is_command(inner, words[1:])


def test_every_page_begins_with_who_reads_it() -> None:
    # The page of benchmarks says by whom it is made.
    pages = set((ROOT / "docs").glob("*.md")) - {
        ROOT / "docs" / name for name in ("README.md", "benchmarks.md")
    }
    silent = [page.name for page in sorted(pages) if not _OPENING.match(page.read_text(encoding="utf-8"))]
    assert silent == []


def test_every_path_that_is_named_is_there() -> None:
    # What changed tells of the past, and what a new product adds is not there yet.
    present = set(DOCUMENTS) - {ROOT / "CHANGELOG.md", ROOT / "docs" / "adding-a-product.md"}
    lost = [
        f"{document.relative_to(ROOT)}: {path}"
        for document in sorted(present)
        for path in _PATH.findall(document.read_text(encoding="utf-8"))
        if not (ROOT / path).exists()
    ]
    assert lost == []


def test_the_index_leads_to_every_document() -> None:
    index = ROOT / "docs" / "README.md"
    targets = [index.parent / target for target in _LINK.findall(index.read_text(encoding="utf-8"))]
    listed = {path.resolve() for path in targets}
    documents = set(DOCUMENTS) - {index}
    # All decisions at once, by their folder.
    assert (ROOT / "docs" / "adr").resolve() in listed
    unlisted = [path for path in documents - listed if path.parent.name != "adr"]
    assert sorted(str(path.relative_to(ROOT)) for path in unlisted) == []


def test_every_decision_says_what_else_was_considered() -> None:
    silent = [
        path.name
        for path in sorted((ROOT / "docs" / "adr").glob("*.md"))
        if not re.search(r"^\*\*Considered\*\* \S.{80}", path.read_text(encoding="utf-8"), re.M)
    ]
    assert silent == []


def test_every_decision_has_a_number_of_its_own() -> None:
    decisions = sorted((ROOT / "docs" / "adr").glob("*.md"))
    numbers = Counter(path.name[:4] for path in decisions)
    assert [number for number, count in numbers.items() if count > 1] == []
    for path in decisions:
        assert path.read_text(encoding="utf-8").startswith(f"# {int(path.name[:4])}."), path.name


def test_every_finding_of_security_names_tests_that_exist() -> None:
    # What was measured stands before the first heading.
    _, _, findings = (ROOT / "docs" / "security.md").read_text(encoding="utf-8").partition("\n## ")
    rows = [
        line
        for line in findings.splitlines()
        if line.startswith("| ") and not line.startswith(("| ---", "| what"))
    ]
    assert len(rows) > 25
    for row in rows:
        named = _TEST.findall(row)
        assert named, row
        source = ""
        for file, test, more in named:
            source = (ROOT / file).read_text(encoding="utf-8") if file else source
            for name in filter(None, (test, more)):
                assert f"def {name}(" in source, f"{file or 'the same file'}::{name}"
