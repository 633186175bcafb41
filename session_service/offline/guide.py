"""Asks the catalog, before any transaction, for what items are judged by."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from session_service.application.ports.catalog import Catalog, Content
from session_service.application.ports.products import Products
from session_service.domain.grading import AnswerKey
from session_service.domain.policies import Product
from session_service.offline.domain import OfflineAnswer, OfflineItem, OfflineSession, Window

# What is longer names nothing, and together could be more than a request holds.
_LONGEST_NAME = 80
_ASKED_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Guide:
    """The present, the times that are taken, the products, and what the catalog says.

    That is the content that exists, the prompts of its items and the answer keys.
    """

    now: datetime
    window: Window
    products: Mapping[str, Product]
    contents: Mapping[str, Content]
    prompts: Mapping[str, Mapping[str, str]]
    keys: Mapping[str, AnswerKey]


async def ask_for_guide(
    catalog: Catalog, products: Products, items: Sequence[OfflineItem], now: datetime, max_age: timedelta
) -> Guide:
    """Returns what the items need, asked for in a few calls. Raises UnavailableError."""
    sessions = [item for item in items if isinstance(item, OfflineSession)]
    known = await products.find(_names(session.product for session in sessions))
    contents = await catalog.find_contents(_names(session.content for session in sessions))
    picking = {
        session.content
        for session in sessions
        if session.content in contents
        and session.product in known
        and known[session.product].policy.picks_items
    }
    keys = await catalog.answer_keys(_names(answer.item for answer in _answers(items)))
    prompts = await _prompts(catalog, sorted(picking))
    return Guide(now, Window.around(now, max_age), known, contents, prompts, keys)


async def _prompts(catalog: Catalog, contents: Sequence[str]) -> dict[str, dict[str, str]]:
    prompts: dict[str, dict[str, str]] = {}
    for first in range(0, len(contents), _ASKED_AT_ONCE):
        some = contents[first : first + _ASKED_AT_ONCE]
        offers = await asyncio.gather(*map(catalog.content_items, some))
        for content, offered in zip(some, offers, strict=True):
            prompts[content] = {item.item: item.prompt for item in offered}
    return prompts


def _answers(items: Iterable[OfflineItem]) -> Iterator[OfflineAnswer]:
    for item in items:
        answers = item.answers if isinstance(item, OfflineSession) else (item,)
        yield from (answer for answer in answers if isinstance(answer, OfflineAnswer))


def _names(texts: Iterable[str]) -> list[str]:
    return sorted({text for text in texts if 0 < len(text) <= _LONGEST_NAME})
