"""What a new row of a product may say, for the sessions that are stored.

A session goes on by the version that it began with, so no row can break it.
But a row says what a product's sessions are: whoever reads it has to find
every stored session in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from session_service.domain.policies import OpenScope, Policy, PolicyFault
from session_service.domain.states import State


@dataclass(frozen=True, slots=True)
class StoredUse:
    """What the stored sessions of a product have.

    `kinds` are those of the content practised. Of the open ones: their modes,
    their planned durations, the most seconds that one has, whether one is
    without content, and how many have no slot, as any number may be open.
    """

    outcomes: frozenset[State] = frozenset()
    kinds: frozenset[str] = frozenset()
    open_modes: frozenset[str] = frozenset()
    shortest_planned: int | None = None
    longest_planned: int | None = None
    longest_elapsed: int = 0
    open_without_content: bool = False
    open_without_plan: bool = False
    open_without_slot: bool = False


def use_conflicts(policy: Policy, use: StoredUse) -> Iterator[PolicyFault]:
    """Yields what stored sessions have that a policy has not, by the names of a row's fields."""
    for outcome in sorted(use.outcomes - policy.outcomes):
        yield PolicyFault("outcomes", f"must keep {outcome}: stored sessions ended so")
    for kind in sorted(use.kinds - {policy.content}):
        yield PolicyFault("content", f"must stay {kind}: stored sessions practised it")
    if policy.content_required and use.open_without_content:
        yield PolicyFault("content_required", "must stay no: open sessions have no content")
    for mode in sorted(use.open_modes - {"", *policy.modes}):
        yield PolicyFault("modes", f"must keep {mode}: open sessions have it")
    if policy.open_scope is not OpenScope.ANY_NUMBER and use.open_without_slot:
        yield PolicyFault("open_sessions", "must stay any_number: sessions are open that are not counted")
    if use.longest_elapsed > policy.elapsed_bounds.maximum:
        yield PolicyFault(
            "max_elapsed_seconds", f"must be at least {use.longest_elapsed}, which an open session has"
        )
    yield from _plan_conflicts(policy, use)


def _plan_conflicts(policy: Policy, use: StoredUse) -> Iterator[PolicyFault]:
    if policy.planned is None:
        return
    if use.open_without_plan:
        yield PolicyFault("max_planned_seconds", "must stay 0: open sessions have no planned duration")
    if use.shortest_planned is not None and use.shortest_planned < policy.planned.minimum:
        yield PolicyFault(
            "min_planned_seconds", f"must be at most {use.shortest_planned}, which an open session has"
        )
    if use.longest_planned is not None and use.longest_planned > policy.planned.maximum:
        yield PolicyFault(
            "max_planned_seconds", f"must be at least {use.longest_planned}, which an open session has"
        )
