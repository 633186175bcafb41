"""What the commands' clients have in common: deadlines, the secret, and pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from deploy.commands.admin_client import INTERNAL_HEADER, AdminClient


@dataclass
class Request:
    page_size: int = 0
    page_token: str = ""


@dataclass
class Page:
    items: Sequence[int]
    next_page_token: str


@dataclass
class Numbers:
    """A method that lists 1 to 7, at most three a page, and notes what was asked."""

    asked: list[tuple[int, str]] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)

    def __call__(self, request: Request, **options: Any) -> Page:
        self.options = options
        self.asked.append((request.page_size, request.page_token))
        first = int(request.page_token or "1")
        last = min(first + min(request.page_size or 3, 3), 8)
        return Page(range(first, last), str(last) if last < 8 else "")


class NumberClient(AdminClient):
    service = "stats"
    deadline = 4.0

    def __init__(self) -> None:
        super().__init__(cast(Any, None), "secret")
        self.numbers = Numbers()

    def first(self, limit: int) -> list[int]:
        return self._list(cast(Any, self.numbers), Request(), lambda page: page.items, limit, largest=3)

    def every(self) -> list[int]:
        return [number for page in self._pages(cast(Any, self.numbers), Request()) for number in page.items]


def test_all_pages_are_read_with_the_deadline_and_the_secret() -> None:
    client = NumberClient()

    assert client.every() == [1, 2, 3, 4, 5, 6, 7]
    assert client.numbers.asked == [(0, ""), (0, "4"), (0, "7")]
    assert client.numbers.options["timeout"] == 4.0
    assert client.numbers.options["metadata"] == ((INTERNAL_HEADER, "secret"),)


@pytest.mark.parametrize(
    ("limit", "asked"),
    [
        (2, [(2, "")]),
        (3, [(3, "")]),
        (5, [(3, ""), (2, "4")]),
        (100, [(3, ""), (3, "4"), (3, "7")]),
    ],
)
def test_no_more_is_asked_for_than_is_wanted(limit: int, asked: list[tuple[int, str]]) -> None:
    client = NumberClient()

    assert client.first(limit) == list(range(1, 8))[:limit]
    assert client.numbers.asked == asked
