"""The catalog: what there is to practise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from session_service.domain.achievements import Achievement
from session_service.domain.grading import AnswerKey
from session_service.domain.items import ContentItem


@dataclass(frozen=True, slots=True)
class Content:
    """An activity, sequence or problem as the catalog names it; `created_at` is known of problems."""

    name: str
    title: str
    type: str = ""
    created_at: datetime | None = None


class Catalog(Protocol):
    """What there is to practise. Raises UnavailableError when the catalog does not answer."""

    async def answer_keys(self, items: Iterable[str]) -> Mapping[str, AnswerKey]:
        """Returns the keys of the items that exist."""

    async def content(self, name: str) -> Content | None:
        """Returns an activity, sequence or problem, None when there is none."""

    async def find_contents(self, names: Iterable[str]) -> Mapping[str, Content]:
        """Returns those of the activities, sequences and problems that exist."""

    async def content_items(self, content: str) -> Sequence[ContentItem]:
        """Returns the items of an activity in its author's order; none when there is no such activity."""

    async def achievements(self, product: str) -> Sequence[Achievement]:
        """Returns what a session of a product can achieve."""
