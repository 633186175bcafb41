"""Makes stored progress what the facts say."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from stats_service.application.ports.learners import LearnerWork
from stats_service.domain.derivation import derive


def rederive(work: LearnerWork, days: Collection[date] | None = None) -> int:
    """Derives the progress of the people worked on from all of their facts; returns how many rows changed.

    With `days`, the caller has added facts to these days alone; what is stored
    of other days is left alone unless the people are outdated. The products of
    a day share its seconds, so none of its rows is. Idempotent.
    """
    facts = work.facts()
    derived = derive(facts, work.people(), work.book())
    return work.save(facts, derived, None if work.outdated else days)
