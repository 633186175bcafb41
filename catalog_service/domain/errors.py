"""The errors of the catalog."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from service_kit.errors import InvalidArgumentError, NotFoundError, PermissionDeniedError

_KINDS = {"activities": "Activity", "sequences": "Sequence", "problems": "Problem"}


class ItemNotFoundError(NotFoundError):
    """There is no such exercise."""

    reason = "ITEM_NOT_FOUND"

    def __init__(self, item: str) -> None:
        super().__init__("There is no such exercise", item=item)


class ContentNotFoundError(NotFoundError):
    """There is no such activity, sequence or problem."""

    reason = "CONTENT_NOT_FOUND"

    def __init__(self, content: str) -> None:
        kind = _KINDS.get(content.partition("/")[0], "Content")
        super().__init__(f"{kind} not found", content=content)


class ProblemNotOwnedError(PermissionDeniedError):
    """The problem is another's."""

    def __init__(self, verb: str, content: str) -> None:
        super().__init__(f"Not authorized to {verb} this problem", content=content)


class FieldInvalidError(InvalidArgumentError):
    """A field breaks a rule that its schema cannot tell."""

    reason = "FIELD_INVALID"

    def __init__(self, message: str, *, field: str, rule: str) -> None:
        super().__init__(message, field=field, rule=rule)


def refuse_duplicates(what: str, ids: Iterable[int | str], *, field: str) -> None:
    """Raises FieldInvalidError when an id comes twice: which of the two would be kept?"""
    twice = [each for each, times in Counter(ids).items() if times > 1]
    if twice:
        raise FieldInvalidError(f"{what} {twice[0]} comes more than once", field=field, rule="unique")
