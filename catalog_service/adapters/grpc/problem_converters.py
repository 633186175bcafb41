"""Converts between the messages of problems and the domain."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from practice.catalog.v1 import problem_pb2, problem_service_pb2

from catalog_service.domain.errors import FieldInvalidError
from catalog_service.domain.problems import STATEMENT_FIELDS, Problem, ProblemRef, Statement
from service_kit.grpc.guards import validate

_NAME = re.compile(r"problems/([1-9][0-9]{0,17})", re.ASCII)


def problem_to_proto(problem: Problem, reader_id: int) -> problem_pb2.Problem:
    """Returns the problem as a user sees it: a user who wrote it is told to nobody else."""
    message = problem_pb2.Problem(
        name=problem.name, problem_id=problem.problem_id, **statement_to_fields(problem.statement)
    )
    if problem.is_shipped or problem.belongs_to(reader_id):
        message.owner_id, message.owner_email = problem.owner_id, problem.owner_email
    message.create_time.FromDatetime(problem.created_at)
    message.update_time.FromDatetime(problem.updated_at)
    return message


def statement_to_fields(statement: Statement) -> dict[str, Any]:
    """Returns the fields that a message of a problem shares with its statement."""
    return {name: getattr(statement, name) for name in STATEMENT_FIELDS}


def statement_from_proto(message: problem_pb2.Problem) -> Statement:
    """Returns what a problem says; its name and output fields are ignored."""
    return Statement(**_values(message, STATEMENT_FIELDS))


def ref_from_name(name: str) -> ProblemRef:
    """Returns what a name names. Raises FieldInvalidError for one of another form."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise FieldInvalidError(
            "problem.name: must be problems/ and a number", field="problem.name", rule="string.pattern"
        )
    return ProblemRef(int(match[1]))


def changes_from_proto(request: problem_service_pb2.UpdateProblemRequest) -> dict[str, Any]:
    """Returns the new values of the fields to change, checked against their rules.

    Without a mask these are the fields that hold something, with `*` all.
    Output fields are ignored, as the resource comes back from clients whole.
    Raises FieldInvalidError for another path and InvalidArgumentError for a
    value that breaks its rules.
    """
    names = _changed_names(request)
    values = _values(request.problem, names)
    # Right but for the changes; the message is what the rules belong to.
    candidate = problem_pb2.Problem(**{"title": "-", "description": "-", "difficulty": "easy", **values})
    validate(problem_service_pb2.CreateProblemRequest(problem=candidate))
    return values


def _changed_names(request: problem_service_pb2.UpdateProblemRequest) -> list[str]:
    paths = list(request.update_mask.paths)
    for path in paths:
        if path != "*" and path not in problem_pb2.Problem.DESCRIPTOR.fields_by_name:
            raise FieldInvalidError(
                f"update_mask: '{path[:64]}' is no field of a problem", field="update_mask", rule="path"
            )
    if "*" in paths:
        return list(STATEMENT_FIELDS)
    if paths:
        return [name for name in STATEMENT_FIELDS if name in paths]
    return [name for name in STATEMENT_FIELDS if getattr(request.problem, name)]


def _values(message: problem_pb2.Problem, names: Iterable[str]) -> dict[str, Any]:
    values = {name: getattr(message, name) for name in names}
    return {name: value if isinstance(value, str) else tuple(value) for name, value in values.items()}
