"""Brings one person's stored progress up to date with their facts."""

from __future__ import annotations

from collections.abc import Sequence

from stats_service.application.ports import LearnerWork
from stats_service.domain.completion import ALL_PRODUCTS, Completion
from stats_service.domain.progress import derive, fold


def append(work: LearnerWork, facts: Sequence[Completion]) -> None:
    """Counts facts that were just added to the person's others.

    Facts later than all before them, the common case, are folded onto the
    stored progress and touch only their own days; otherwise, or when the badge
    book has changed since, everything is derived anew. Both give the same.
    """
    book = work.book()
    stored = work.progress(
        {(name, fact.local_date) for fact in facts for name in (fact.product, ALL_PRODUCTS)}
    )
    earliest = min(fact.moment for fact in facts)
    if work.book_revision != book.revision or (stored.latest is not None and earliest <= stored.latest):
        rebuild(work)
        return
    work.save(stored, fold(stored, facts, book), book.revision)


def rebuild(work: LearnerWork) -> None:
    """Derives the person's progress from all of their facts. Idempotent."""
    book = work.book()
    work.save(work.progress(), derive(work.facts(), book), book.revision)
