"""Converts requests of the design product's clients."""

from __future__ import annotations

from typing import Any

from google.protobuf.struct_pb2 import Value
from practice.products.design.v1 import design_problems_service_pb2 as pb

from catalog_service.domain.errors import ContentNotFoundError, FieldInvalidError
from catalog_service.domain.problems import STATEMENT_FIELDS, ProblemRef, Statement
from service_kit import object_ids
from service_kit.grpc.guards import validate

_LISTS = frozenset({"categories", "requirements", "constraints", "hints"})
_DEFAULT_LIMIT = 100
# What a problem cannot be without.
_VALID = {"title": "-", "description": "-", "difficulty": "easy"}


def limit_from_proto(
    request: pb.ListProblemsRequest | pb.ListMyProblemsRequest | pb.SearchProblemsRequest,
) -> int:
    """Returns how many problems a list has at most."""
    return request.limit if request.HasField("limit") else _DEFAULT_LIMIT


def ref_from_id(text: str) -> ProblemRef:
    """Returns the problem with an id. Raises ContentNotFoundError for what is no id."""
    object_id = object_ids.decode(text)
    if object_id is None:
        raise ContentNotFoundError(f"problems/{text}")
    return ProblemRef(object_id.number, object_id.second)


def statement_from_proto(request: pb.ProblemBody) -> Statement:
    """Returns what a new problem says."""
    return Statement(**{name: _value(request, name) for name in STATEMENT_FIELDS})


def changes_from_proto(request: pb.UpdateProblemBody) -> dict[str, Any]:
    """Returns what was sent of a problem: an empty list clears, one left out stays.

    Raises FieldInvalidError, or FieldsInvalidError for what breaks a rule of new problems.
    """
    given = {field.name for field, value in request.ListFields() if not _is_null(value)}
    changes = {name: _change(request, name) for name in STATEMENT_FIELDS if name in given}
    # The rules of a list are those that it was made by.
    validate(pb.ProblemBody(**{**_VALID, **changes}))
    return changes


def _value(request: pb.ProblemBody, name: str) -> Any:
    value = getattr(request, name)
    return tuple(value) if name in _LISTS else value


def _is_null(value: Any) -> bool:
    return isinstance(value, Value) and value.HasField("null_value")


def _change(request: pb.UpdateProblemBody, name: str) -> Any:
    """Returns a member that was sent. Raises FieldInvalidError for anything but a list of texts."""
    value = getattr(request, name)
    if name not in _LISTS:
        return value
    items = value.list_value.values
    if not value.HasField("list_value") or not all(item.HasField("string_value") for item in items):
        raise FieldInvalidError(f"{name}: must be a list of texts", field=name, rule="string")
    return tuple(item.string_value for item in items)
