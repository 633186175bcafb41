"""Problems of the design product: statements of systems to design, shared by their authors."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import astuple, dataclass, fields
from datetime import datetime

from catalog_service.domain.errors import FieldInvalidError
from catalog_service.domain.search import folded
from service_kit.visible_text import keeps_direction, shows_something

# The author of the problems that the platform brings.
SHIPPED_OWNER_ID = 0
SHIPPED_OWNER_EMAIL = "catalog@practice.example"

# Bytes as JSON. A page of a hundred has to fit into one gRPC message of 4 MiB.
LARGEST = 40_000
# Serialisers for browsers write these as six characters.
_ESCAPED = "<>"
# Everybody reads these, and some of them in lists, beside those of others.
_SHOWN = ("title", "description", "estimated_time", "categories", "requirements", "constraints", "hints")
_LISTED = frozenset({"title", "estimated_time", "categories"})


@dataclass(frozen=True, slots=True)
class Statement:
    """What a problem says: everything its author may change."""

    title: str
    description: str
    difficulty: str
    categories: tuple[str, ...]
    estimated_time: str
    requirements: tuple[str, ...]
    constraints: tuple[str, ...]
    hints: tuple[str, ...]

    @property
    def searched(self) -> str:
        """The text that searches look into, folded."""
        return f"{folded(self.title)}\n{folded(self.description)}"

    def check(self) -> None:
        """Raises FieldInvalidError for a part with nothing to see, and for a whole that is too large."""
        for name in _SHOWN:
            for text in filter(None, _texts(getattr(self, name))):
                _check_visible(name, text)
        self._check_size()

    def _check_size(self) -> None:
        text = json.dumps(astuple(self), ensure_ascii=False)
        escapes = sum(map(text.count, _ESCAPED)) * 5
        if len(text.encode()) + escapes > LARGEST:
            raise FieldInvalidError(
                f"A problem takes at most {LARGEST} bytes as JSON", field="problem", rule="size"
            )


def _texts(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _check_visible(field: str, text: str) -> None:
    if not shows_something(text):
        raise FieldInvalidError(f"{field}: must show something", field=field, rule="text.visible")
    if field in _LISTED and not keeps_direction(text):
        raise FieldInvalidError(
            f"{field}: must not turn the direction of writing", field=field, rule="text.direction"
        )


STATEMENT_FIELDS = tuple(field.name for field in fields(Statement))


@dataclass(frozen=True, slots=True)
class Problem:
    """A statement, its author and its times."""

    problem_id: int
    owner_id: int
    owner_email: str
    statement: Statement
    created_at: datetime
    updated_at: datetime

    @property
    def name(self) -> str:
        """Such as `problems/7`."""
        return f"problems/{self.problem_id}"

    @property
    def is_shipped(self) -> bool:
        """Whether the platform brings it, and nobody owns it."""
        return self.owner_id == SHIPPED_OWNER_ID

    def belongs_to(self, user_id: int) -> bool:
        """Tells whether a user may change it. Shipped problems are nobody's."""
        return self.owner_id == user_id and not self.is_shipped


@dataclass(frozen=True, slots=True)
class ProblemRef:
    """A problem asked for by its number, and by the Unix second it was made in where the id says it."""

    number: int
    second: int | None = None

    def __str__(self) -> str:
        return f"problems/{self.number}"

    def names(self, problem: Problem) -> bool:
        """Tells whether this is the problem meant."""
        made = int(problem.created_at.timestamp())
        return self.number == problem.problem_id and self.second in (None, made)


@dataclass(frozen=True, slots=True)
class ProblemSelection:
    """Which problems to list: of one author, or with all of the folded words; all without either."""

    owner_id: int | None = None
    words: Collection[str] = ()
