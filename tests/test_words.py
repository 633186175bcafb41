"""The field's words in names: what has a standard term is called by it (docs/glossary.md)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = (
    *(
        "service_kit",
        "contract_kit",
        "identity_service",
        "catalog_service",
        "session_service",
        "stats_service",
    ),
    *("session_service", "stats_service", "gateway", "deploy"),
)
# Parts of names, as between underscores, for which there is a term: streak protection, as-of, calendar
# screening, admin client, data category, badge publication, orphan, clock and cache.
PRIVATE_WORDS = {
    *("keeping", "knowing", "knowledge", "telling", "office", "offices", "shelf", "alien", "aliens"),
    *("surroundings", "rooms"),
}
# What says that something was done, and not what it does.
NO_VERBS = {"found", "shown", "told", "tell", "refused", "too_long", "kept", "known"}
# A part of speech in place of what a module does or holds.
NO_MODULES = {
    *("ending", "looking_up", "own_days", "applying", "correcting", "differing", "recording", "waiting"),
    *("known", "parts"),
}


def names_in(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yields what a module defines: the kind and the name of classes, functions and fields."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield "function", node.name
        elif isinstance(node, ast.ClassDef):
            yield "class", node.name
            for field in node.body:
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                    yield "field", field.target.id


def words_of(name: str) -> set[str]:
    """Returns the words of a name in either spelling."""
    return set(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_").split("_"))


def is_private(kind: str, name: str) -> bool:
    """Tells whether a name is of a language that only this project would speak."""
    return bool(words_of(name) & PRIVATE_WORDS) or (kind == "function" and name.strip("_") in NO_VERBS)


def test_names_speak_the_words_of_the_field() -> None:
    private = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            where = str(path.relative_to(ROOT))
            if path.stem in NO_MODULES or words_of(path.stem) & PRIVATE_WORDS:
                private.append(where)
            private += [
                f"{where}: {kind} {name}"
                for kind, name in names_in(ast.parse(path.read_text(encoding="utf-8")))
                if is_private(kind, name)
            ]
    assert private == []


def test_contracts_speak_the_words_of_the_field() -> None:
    private = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sorted((ROOT / "protos").rglob("*.proto"))
        for name in re.findall(r"^ *[\w.]+ (\w+) *[={(]", path.read_text(encoding="utf-8"), re.MULTILINE)
        if words_of(name) & PRIVATE_WORDS
    ]
    assert private == []


def test_a_private_name_would_be_noticed() -> None:
    tree = ast.parse("class BadgeShelf:\n    alien_count: int\n    def _found(): ...\ndef open_office(): ...")
    assert [is_private(*each) for each in names_in(tree)] == [True, True, True, True]


def test_tests_patch_nothing_private() -> None:
    private = [
        f"{path.relative_to(ROOT)}: {patched}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for patched in re.findall(
            r"""(?:setattr|delattr|patch\.object)\([^()]*?,\s*["'](_(?!_)\w+)["']""",
            path.read_text(encoding="utf-8"),
        )
    ]
    assert private == []
