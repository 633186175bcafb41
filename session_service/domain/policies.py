"""How products differ in behaviour: the policy that a product's row says, and what a policy can be.

Which products there are is data. Shapes on the wire are not here: they belong
to the proto and adapter of a product that has them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from session_service.domain.errors import ProductRetiredError
from session_service.domain.states import State

LARGEST_SECONDS = 2**31 - 1
MOST_MODES = 20
# What the catalog has to practise, and to answer.
CONTENT_KINDS = ("activities", "problems", "sequences")
ITEM_KINDS = ("exercises", "words")
# All of them together, and what conditions of badges call so.
RESERVED_NAMES = frozenset(
    {
        *("all", "total", "session"),
        # What CEL reads as something else: conditions speak of a product by its name.
        *("as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in"),
        *("let", "loop", "namespace", "null", "package", "return", "true", "var", "void", "while"),
        *("bool", "bytes", "double", "duration", "dyn", "google", "int", "list", "map", "string"),
        *("timestamp", "type", "uint"),
    }
)

_PRODUCT = re.compile(r"[a-z][a-z0-9_]{0,31}")
_MODE = re.compile(r"[a-z][a-z0-9_-]{0,31}")


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
    elapsed_bounds: Bounds = Bounds(0, LARGEST_SECONDS)
    pause_again: PauseAgain = PauseAgain.NOTHING
    outcomes: frozenset[State] = frozenset({State.COMPLETED, State.ABANDONED})
    counted: frozenset[State] = field(default=frozenset({State.COMPLETED}))
    counts_unanswered: bool = True


@dataclass(frozen=True, slots=True)
class Product:
    """A product as its newest row has it: a version of its policy, and whether it can be started.

    `retired_at` is None while it can.
    """

    policy: Policy
    version: int
    published_at: datetime
    retired_at: datetime | None = None

    @property
    def name(self) -> str:
        """What the product is called."""
        return self.policy.product

    def check_start(self, at: datetime) -> None:
        """Raises ProductRetiredError when nothing could be started any more at an instant."""
        if self.retired_at is not None and at >= self.retired_at:
            raise ProductRetiredError(self.name)


@dataclass(frozen=True, slots=True)
class PolicyFault:
    """What keeps a row from being a policy: a field of the row, and what is wrong with it."""

    field: str
    problem: str


def policy_faults(policy: Policy) -> Iterator[PolicyFault]:
    """Yields everything that keeps a policy from being one, by the names of a row's fields."""
    if not _PRODUCT.fullmatch(policy.product):
        yield PolicyFault(
            "product", "must be small letters, digits and underscores, at most 32, such as focus"
        )
    elif policy.product in RESERVED_NAMES:
        yield PolicyFault(
            "product", f"must not be {policy.product}, which conditions of badges read otherwise"
        )
    yield from _open_faults(policy)
    yield from _mode_faults(policy)
    yield from _content_faults(policy)
    yield from _bound_faults(policy)
    yield from _outcome_faults(policy)


def _open_faults(policy: Policy) -> Iterator[PolicyFault]:
    if policy.open_scope is OpenScope.ONE_PER_CONTENT and not policy.content_required:
        yield PolicyFault("open_sessions", "must not be one_per_content unless content_required is yes")
    if policy.second_start is SecondStart.RESUME and policy.open_scope is OpenScope.ANY_NUMBER:
        yield PolicyFault("second_start", "must not be resume where any number of sessions may be open")


def _mode_faults(policy: Policy) -> Iterator[PolicyFault]:
    if len(policy.modes) > MOST_MODES:
        yield PolicyFault("modes", f"must be at most {MOST_MODES}, not {len(policy.modes)}")
    for mode, times in Counter(policy.modes).items():
        if not _MODE.fullmatch(mode):
            yield PolicyFault(
                "modes", f"must be small letters, digits, hyphens and underscores, at most 32, not {mode!r}"
            )
        elif times > 1:
            yield PolicyFault("modes", f"must not have {mode!r} twice")


def _content_faults(policy: Policy) -> Iterator[PolicyFault]:
    if policy.content is not None and policy.content not in CONTENT_KINDS:
        yield PolicyFault("content", f"must be one of {', '.join(CONTENT_KINDS)}, not {policy.content!r}")
    if policy.items is not None and policy.items not in ITEM_KINDS:
        yield PolicyFault("items", f"must be one of {', '.join(ITEM_KINDS)}, not {policy.items!r}")
    if policy.content_required and policy.content is None:
        yield PolicyFault("content_required", "must not be yes without content")
    # Only activities have items to pick from, which are words; and only problems take submissions.
    picking = (policy.content, policy.content_required, policy.items)
    if policy.picks_items and picking != ("activities", True, "words"):
        yield PolicyFault("picks_items", "must not be yes unless activities are required and words answered")
    if policy.submits and (policy.content, policy.content_required) != ("problems", True):
        yield PolicyFault("submits", "must not be yes unless problems are required")


def _bound_faults(policy: Policy) -> Iterator[PolicyFault]:
    for name, bounds, smallest in (("planned", policy.planned, 1), ("elapsed", policy.elapsed_bounds, 0)):
        if bounds is None:
            continue
        if not smallest <= bounds.minimum <= LARGEST_SECONDS:
            yield PolicyFault(f"min_{name}_seconds", f"must be from {smallest} to {LARGEST_SECONDS}")
        elif not bounds.minimum <= bounds.maximum <= LARGEST_SECONDS:
            yield PolicyFault(
                f"max_{name}_seconds", f"must be from {bounds.minimum}, the smallest, to {LARGEST_SECONDS}"
            )


def _outcome_faults(policy: Policy) -> Iterator[PolicyFault]:
    for needed in (State.COMPLETED, State.ABANDONED):
        if needed not in policy.outcomes:
            yield PolicyFault("outcomes", f"must have {needed}: every session can end so")
    if any(outcome.is_open for outcome in policy.outcomes):
        yield PolicyFault("outcomes", "must be ends: completed, partial, abandoned")
    if not policy.counted:
        yield PolicyFault("counted", "must have at least one outcome")
    for outcome in sorted(policy.counted):
        if outcome is State.ABANDONED or outcome not in policy.outcomes:
            yield PolicyFault("counted", f"must not have {outcome}, which is given up or no outcome of it")
