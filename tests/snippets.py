"""The fenced blocks of the documents: which of them run, and which are left out and why.

    python -m tests.snippets    # a line for each page, and each block that is left out with its reason

A page is one story: its blocks run in their order, in one shell. What runs is `sh`, `python` and `js`; a
block with `title="FILE"` is written into that file. `json` and `text` right after one of them show what it
answers, which is compared. Every other language is only shown. A comment before a block says what is special:

    <!-- snippet: left out: stops the stack -->
    <!-- snippet: refused 409 -->                   a call of the block is answered so, and the story goes on

CONTRIBUTING.md tells writers of pages.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

ROOT = Path(__file__).parent.parent
RUN = frozenset({"sh", "python", "js"})
SHOWN = frozenset({"", *("text", "json", "yaml", "toml", "html", "css", "ts", "proto", "mermaid", "http")})
COMPARED = frozenset({"json", "text"})
# Pages whose blocks something else runs, or that are made by hand once for a measurement.
ELSEWHERE = {
    "docs/adding-a-product.md": "tests/test_adding_a_product.py builds the product from it",
    "docs/benchmarks.md": "made by `make bench`",
    "docs/grpc.md": "tests/end_to_end/test_grpc_guide.py runs it, beside a wheel that it builds",
    "docs/performance.md": "what was measured and how",
}

_TOKEN = re.compile(
    r"^(?P<indent>[ ]*)```(?P<info>[^`\n]*)\n(?P<text>.*?)^(?P=indent)```[ \t]*$"
    r"|^[ ]*<!--[ ]*snippet:(?P<note>.*?)-->",
    re.DOTALL | re.MULTILINE,
)
_NOTE = re.compile(r"(?P<what>left out: |refused )(?P<said>\S.*)", re.DOTALL)
_TITLE = re.compile(r'\btitle="([^"]+)"')


class Fate(StrEnum):
    """What becomes of a block."""

    RUNS = "runs"
    COMPARED = "compared"
    LEFT_OUT = "left out"
    SHOWN = "shown"


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    line: int
    language: str
    # The file that it is the content of.
    title: str
    text: str
    fate: Fate
    # Why it is left out.
    reason: str = ""
    # The status that a call of it is refused with.
    refused: int | None = None


class PageError(ValueError):
    """A page says something about its blocks that cannot be read."""


def pages() -> list[Path]:
    """Returns the pages whose blocks run: the first one, the one for contributors, and all guides."""
    guides = (path for path in sorted((ROOT / "docs").rglob("*.md")) if path.parent.name != "adr")
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *guides]
    return [path for path in found if name_of(path) not in ELSEWHERE]


def name_of(page: Path) -> str:
    """Returns a page's path in the project."""
    return str(page.relative_to(ROOT))


def read_blocks(text: str) -> list[Block]:
    """Returns the blocks of a page. Raises PageError for a comment that no block follows."""
    blocks: list[Block] = []
    note, ended = "", 0
    for token in _TOKEN.finditer(text):
        line = text.count("\n", 0, token.start()) + 1
        between = text[ended : token.start()].strip()
        if note and (between or token["note"] is not None):
            raise PageError(f"line {line}: no block follows 'snippet: {note}'")
        ended = token.end()
        if token["note"] is not None:
            note = token["note"].strip()
            continue
        blocks.append(_block(line, token, note, blocks[-1] if blocks else None))
        note = ""
    if note:
        raise PageError(f"no block follows 'snippet: {note}'")
    return blocks


def _block(line: int, token: re.Match[str], note: str, before: Block | None) -> Block:
    language, _, more = token["info"].strip().partition(" ")
    if language not in RUN | SHOWN:
        raise PageError(f"line {line}: {language!r} is no language of a block: {sorted(RUN | SHOWN)}")
    title = found[1] if (found := _TITLE.search(more)) else ""
    if title and (ROOT / Path(title).parts[0]).exists():
        raise PageError(f"line {line}: {title} is a file of the project")
    block = Block(line, language, title, textwrap.dedent(token["text"]), Fate.SHOWN)
    runs = language in RUN or bool(title)
    if note:
        said = _NOTE.fullmatch(note)
        if said is None or not runs:
            raise PageError(
                f"line {line}: 'snippet: {note}' is not understood before {language or 'a'} block"
            )
        if said["what"].startswith("left out"):
            return Block(line, language, title, block.text, Fate.LEFT_OUT, reason=said["said"].strip())
        return Block(line, language, title, block.text, Fate.RUNS, refused=int(said["said"]))
    if runs:
        return Block(line, language, title, block.text, Fate.RUNS)
    if language in COMPARED and before is not None and before.fate is Fate.RUNS and not before.title:
        return Block(line, language, title, block.text, Fate.COMPARED)
    return block


def blocks_of(page: Path) -> list[Block]:
    """Returns the blocks of a page. Raises PageError with its path."""
    try:
        return read_blocks(page.read_text(encoding="utf-8"))
    except PageError as error:
        raise PageError(f"{name_of(page)}, {error}") from None


def left_out() -> Iterator[tuple[str, Block]]:
    """Yields each block that does not run although it could elsewhere, with its page."""
    for page in pages():
        yield from ((name_of(page), block) for block in blocks_of(page) if block.fate is Fate.LEFT_OUT)


def main() -> None:
    """Prints how many blocks of each page run, are compared and are left out, and of the last why."""
    print(f"{'page':32} {'run':>4} {'compared':>9} {'left out':>9}")
    for page in pages():
        fates = [block.fate for block in blocks_of(page)]
        counts = [fates.count(fate) for fate in (Fate.RUNS, Fate.COMPARED, Fate.LEFT_OUT)]
        if any(counts):
            print(f"{name_of(page):32} {counts[0]:4} {counts[1]:9} {counts[2]:9}")
    for name, block in left_out():
        print(f"{name}:{block.line}: {block.reason}")


if __name__ == "__main__":
    main()
