"""Every block of the documents runs as a reader would paste it, one story for each page."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.stack import LocalStack
from tests.end_to_end.story import Story
from tests.snippets import ROOT, Fate, blocks_of, name_of, pages

STORIES = [page for page in pages() if any(block.fate is Fate.RUNS for block in blocks_of(page))]


def opening() -> str:
    """Returns the README's block that makes an account and logs in."""
    return next(block.text for block in blocks_of(ROOT / "README.md") if "accounts:signUp" in block.text)


# Apps are begun with these: whoever copies from them starts sessions and ends them.
COPIED = {"README.md", "docs/products.md", "docs/tutorial.md"}
ENDED = {"ABANDONED", "COMPLETED", "SUBMITTED"}


@pytest.mark.parametrize("page", STORIES, ids=name_of)
def test_the_blocks_of_a_page_work_one_after_another(page: Path, stack: LocalStack, tmp_path: Path) -> None:
    story = Story(stack, tmp_path, blocks_of(page), opening())
    story.play()
    if name_of(page) in COPIED:
        assert story.states_of_sessions() <= ENDED, "an example leaves a session open"
