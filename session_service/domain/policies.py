"""How the products differ in behaviour: one row each, nowhere else.

A sixth product is a sixth row. Shapes on the wire are not here: they belong
to the product's proto and adapter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from session_service.domain.errors import ProductUnknownError
from session_service.domain.states import State


class OpenScope(Enum):
    """How many sessions of the product a user may have open."""

    ANY_NUMBER = "any_number"
    ONE_PER_USER = "one_per_user"
    ONE_PER_CONTENT = "one_per_content"


class SecondStart(Enum):
    """What a start answers while the scope is taken."""

    REJECT = "reject"
    RESUME = "resume"


class Elapsed(Enum):
    """Where the time practised comes from."""

    MEASURED = "measured"  # by the server, pauses left out
    REPORTED = "reported"  # by the client, the latest counts
    RISING = "rising"  # by the client, a smaller one is refused
    LARGEST = "largest"  # by the client, the largest counts


class PauseAgain(Enum):
    """What pausing a paused session does."""

    NOTHING = "nothing"
    RECORDS_ELAPSED = "records_elapsed"


@dataclass(frozen=True, slots=True)
class Bounds:
    """An inclusive range of whole seconds."""

    minimum: int
    maximum: int

    def hold(self, seconds: int) -> bool:
        """Tells whether a duration is inside."""
        return self.minimum <= seconds <= self.maximum


@dataclass(frozen=True, slots=True)
class Policy:
    """The behaviour of one product.

    `modes`: the first is the default; empty where the product has none.
    `content`: the kind of content practised, such as `activities`, or None.
    `items`: the kind of items answered, such as `words`, or None.
    `picks_items`: whether a session is over items picked at its start.
    `submits`: whether a session's work can be handed in.
    `counts_unanswered`: whether a session that ended without an answer counts.
    `planned`: bounds of the planned duration, None where none is asked for.
    """

    product: str
    open_scope: OpenScope = OpenScope.ANY_NUMBER
    second_start: SecondStart = SecondStart.REJECT
    modes: tuple[str, ...] = ()
    content: str | None = None
    content_required: bool = False
    items: str | None = None
    picks_items: bool = False
    submits: bool = False
    planned: Bounds | None = None
    elapsed: Elapsed = Elapsed.MEASURED
    elapsed_bounds: Bounds = Bounds(0, 2**31 - 1)
    pause_again: PauseAgain = PauseAgain.NOTHING
    outcomes: frozenset[State] = frozenset({State.COMPLETED, State.ABANDONED})
    counted: frozenset[State] = field(default=frozenset({State.COMPLETED}))
    counts_unanswered: bool = True


_ROWS = (
    Policy(
        product="exercises",
        modes=("practice", "review", "test"),
        items="exercises",
        counts_unanswered=False,
    ),
    Policy(
        product="portal",
        content="activities",
        content_required=True,
        items="words",
        picks_items=True,
        counts_unanswered=False,
    ),
    Policy(
        product="yoga",
        content="sequences",
        elapsed=Elapsed.REPORTED,
        elapsed_bounds=Bounds(0, 14_400),
        pause_again=PauseAgain.RECORDS_ELAPSED,
        outcomes=frozenset({State.COMPLETED, State.PARTIAL, State.ABANDONED}),
    ),
    Policy(
        product="focus",
        open_scope=OpenScope.ONE_PER_USER,
        second_start=SecondStart.REJECT,
        planned=Bounds(60, 86_400),
        elapsed=Elapsed.RISING,
        elapsed_bounds=Bounds(0, 86_400),
    ),
    Policy(
        product="design",
        open_scope=OpenScope.ONE_PER_CONTENT,
        second_start=SecondStart.RESUME,
        content="problems",
        content_required=True,
        elapsed=Elapsed.LARGEST,
        pause_again=PauseAgain.RECORDS_ELAPSED,
        submits=True,
    ),
)

POLICIES = {policy.product: policy for policy in _ROWS}


def policy_of(product: str) -> Policy:
    """Returns a product's policy. Raises ProductUnknownError."""
    try:
        return POLICIES[product]
    except KeyError:
        raise ProductUnknownError(product) from None
