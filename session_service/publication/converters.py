"""Between rows of products, as messages have them, and policies."""

from __future__ import annotations

from typing import Any

from practice.session.v1 import product_admin_service_pb2 as pb

from session_service.adapters.events import instant_to_proto
from session_service.domain.policies import (
    LARGEST_SECONDS,
    Bounds,
    Elapsed,
    OpenScope,
    PauseAgain,
    Policy,
    Product,
    SecondStart,
)
from session_service.domain.states import State

_SCOPES = dict(enumerate(OpenScope, start=1))
_SECOND_STARTS = dict(enumerate(SecondStart, start=1))
_ELAPSED = dict(enumerate(Elapsed, start=1))
_PAUSES = dict(enumerate(PauseAgain, start=1))


def policy_from_proto(row: pb.ProductRow) -> Policy:
    """Returns the policy that a row says; what it leaves out is as the contract says."""
    plain = Policy(row.product)
    planned = Bounds(row.min_planned_seconds, row.max_planned_seconds)
    return Policy(
        product=row.product,
        open_scope=_SCOPES.get(row.open_sessions, plain.open_scope),
        second_start=_SECOND_STARTS.get(row.second_start, plain.second_start),
        modes=tuple(row.modes),
        content=row.content or None,
        content_required=row.content_required,
        items=row.items or None,
        picks_items=row.picks_items,
        submits=row.submits,
        planned=planned if planned != Bounds(0, 0) else None,
        elapsed=_ELAPSED.get(row.elapsed, plain.elapsed),
        elapsed_bounds=Bounds(row.min_elapsed_seconds, row.max_elapsed_seconds or LARGEST_SECONDS),
        pause_again=_PAUSES.get(row.pause_again, plain.pause_again),
        outcomes=frozenset(map(State, row.outcomes)) or plain.outcomes,
        counted=frozenset(map(State, row.counted)) or plain.counted,
        counts_unanswered=row.counts_unanswered if row.HasField("counts_unanswered") else True,
    )


def product_to_proto(product: Product) -> pb.ProductVersion:
    """Returns a version with its whole row."""
    policy = product.policy
    planned = policy.planned or Bounds(0, 0)
    row = pb.ProductRow(
        product=policy.product,
        open_sessions=_number_of(_SCOPES, policy.open_scope),
        second_start=_number_of(_SECOND_STARTS, policy.second_start),
        modes=policy.modes,
        content=policy.content or "",
        content_required=policy.content_required,
        items=policy.items or "",
        picks_items=policy.picks_items,
        submits=policy.submits,
        min_planned_seconds=planned.minimum,
        max_planned_seconds=planned.maximum,
        elapsed=_number_of(_ELAPSED, policy.elapsed),
        min_elapsed_seconds=policy.elapsed_bounds.minimum,
        max_elapsed_seconds=policy.elapsed_bounds.maximum,
        pause_again=_number_of(_PAUSES, policy.pause_again),
        # In the order of the states, whose first is the best end.
        outcomes=[state.value for state in State if state in policy.outcomes],
        counted=[state.value for state in State if state in policy.counted],
        counts_unanswered=policy.counts_unanswered,
    )
    version = pb.ProductVersion(
        row=row, version=product.version, publish_time=instant_to_proto(product.published_at)
    )
    if product.retired_at is not None:
        version.retire_time.CopyFrom(instant_to_proto(product.retired_at))
    return version


def _number_of(numbers: dict[int, Any], value: object) -> Any:
    return next(number for number, each in numbers.items() if each is value)
