"""Makes stored progress what the facts say."""

from __future__ import annotations

from collections.abc import Collection

from stats_service.application.ports.learners import DayKey, LearnerWork
from stats_service.domain.derivation import derive


def rederive(work: LearnerWork, days: Collection[DayKey] | None = None) -> int:
    """Derives the progress of the people worked on from all of their facts; returns how many rows changed.

    With `days`, the caller has added facts to these products' days alone; what
    is stored of other days is left alone unless the people are outdated.
    Idempotent.
    """
    facts = work.facts()
    derived = derive(facts, work.people(), work.book())
    return work.save(facts, derived, None if work.outdated else days)
