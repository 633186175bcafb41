"""Why one item of a batch was refused while the others were not."""

from __future__ import annotations

from dataclasses import dataclass

from service_kit.errors import (
    ConflictError,
    InvalidArgumentError,
    InvalidStateError,
    NotFoundError,
    ServiceError,
)

_CATEGORIES: dict[type[ServiceError], str] = {
    InvalidArgumentError: "invalid",
    NotFoundError: "not_found",
    InvalidStateError: "state",
    ConflictError: "conflict",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one item of a batch is not on record.

    `category` is `invalid`, `not_found`, `state` or `conflict`.
    """

    category: str
    reason: str
    message: str
    metadata: dict[str, str]

    @classmethod
    def of(cls, error: ServiceError) -> Refusal:
        """Returns the refusal that an error stands for; raises it when it is none of a single item."""
        for category, name in _CATEGORIES.items():
            if isinstance(error, category):
                return cls(name, error.reason, error.message, error.metadata)
        raise error
