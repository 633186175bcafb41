"""The problems of the design product on the wire."""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Value
from practice.products.design.v1 import design_problems_service_pb2 as pb
from practice.products.design.v1.design_problems_service_pb2_grpc import DesignProblemsServiceServicer

from catalog_service.adapters.grpc.problem_converters import statement_fields
from catalog_service.application.use_cases import UseCases
from catalog_service.domain.errors import ContentNotFoundError, FieldInvalidError, ProblemNotOwnedError
from catalog_service.domain.problems import STATEMENT_FIELDS, Problem, ProblemRef, Statement
from service_kit import object_ids
from service_kit.call import current_call
from service_kit.errors import NotFoundError, ServiceError
from service_kit.grpc.guards import validate
from service_kit.grpc.presentation import ProductError, answer_with_status, http_status
from service_kit.grpc.product_shapes import rfc3339, validation_details

SERVICE = "practice.products.design.v1.DesignProblemsService"
PUBLIC = frozenset(f"/{SERVICE}/{name}" for name in ("ListProblems", "GetProblem", "SearchProblems"))
_LISTS = frozenset({"categories", "requirements", "constraints", "hints"})
_IN_QUERY = frozenset({"q", "skip", "limit"})
_DEFAULT_LIMIT = 100
# What a problem cannot be without.
_VALID = {"title": "-", "description": "-", "difficulty": "easy"}

Context = grpc.aio.ServicerContext[Any, Any]


def present(error: ServiceError) -> ProductError:
    """Returns an error as this product's clients know it."""
    details = validation_details(error, _IN_QUERY)
    if details is not None:
        return ProductError(422, {"detail": details})
    return ProductError(http_status(error), {"detail": error.message})


class DesignProblemsServicer(DesignProblemsServiceServicer):
    """Implements practice.products.design.v1.DesignProblemsService."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use = use_cases

    async def CreateProblem(self, request: pb.ProblemBody, context: Context) -> pb.ProblemResponse:
        """Makes a problem; the gateway answers 201."""
        statement = Statement(**{name: _value(request, name) for name in STATEMENT_FIELDS})
        problem = await self._use.create_problem(current_call(), statement)
        await answer_with_status(context, 201)
        return pb.ProblemResponse(message="Problem created successfully", problem=_to_problem(problem))

    async def ListProblems(
        self, request: pb.ListProblemsRequest, context: Context
    ) -> pb.ListProblemsResponse:
        """Lists problems."""
        return await self._list(request, mine=False)

    async def ListMyProblems(
        self, request: pb.ListMyProblemsRequest, context: Context
    ) -> pb.ListProblemsResponse:
        """Lists the caller's problems."""
        return await self._list(request, mine=True)

    async def SearchProblems(
        self, request: pb.SearchProblemsRequest, context: Context
    ) -> pb.SearchProblemsResponse:
        """Searches problems."""
        limit = _limit(request)
        problems, total = await self._use.list_problems.part(
            current_call(), skip=request.skip, limit=limit, query=request.q
        )
        return pb.SearchProblemsResponse(
            total=total,
            query=request.q,
            skip=request.skip,
            limit=limit,
            problems=map(_to_problem, problems),
        )

    async def GetProblem(self, request: pb.GetProblemRequest, context: Context) -> pb.DesignProblem:
        """Returns a problem."""
        return _to_problem(await self._use.get_problem(_ref(request.problem_id)))

    async def UpdateProblem(self, request: pb.UpdateProblemBody, context: Context) -> pb.ProblemResponse:
        """Changes what was sent of a problem of the caller's: an empty list clears, one left out stays."""
        given = {field.name for field, value in request.ListFields() if not _is_null(value)}
        changes = {name: _change(request, name) for name in STATEMENT_FIELDS if name in given}
        # The rules of a list are those that it was made by.
        validate(pb.ProblemBody(**{**_VALID, **changes}))
        problem = await self._use.update_problem(current_call(), _ref(request.problem_id), changes)
        return pb.ProblemResponse(message="Problem updated successfully", problem=_to_problem(problem))

    async def DeleteProblem(self, request: pb.DeleteProblemRequest, context: Context) -> Empty:
        """Deletes a problem of the caller's; another's looks as if it was not there. 204."""
        try:
            await self._use.delete_problem(current_call(), _ref(request.problem_id))
        except (ContentNotFoundError, ProblemNotOwnedError) as error:
            raise NotFoundError(
                "Problem not found or not authorized to delete", reason="CONTENT_NOT_FOUND", **error.metadata
            ) from error
        await answer_with_status(context, 204)
        return Empty()

    async def _list(
        self, request: pb.ListProblemsRequest | pb.ListMyProblemsRequest, *, mine: bool
    ) -> pb.ListProblemsResponse:
        limit = _limit(request)
        problems, total = await self._use.list_problems.part(
            current_call(), skip=request.skip, limit=limit, mine=mine
        )
        return pb.ListProblemsResponse(
            total=total, skip=request.skip, limit=limit, problems=map(_to_problem, problems)
        )


def _limit(request: pb.ListProblemsRequest | pb.ListMyProblemsRequest | pb.SearchProblemsRequest) -> int:
    return request.limit if request.HasField("limit") else _DEFAULT_LIMIT


def _ref(text: str) -> ProblemRef:
    object_id = object_ids.decode(text)
    if object_id is None:
        raise ContentNotFoundError(f"problems/{text}")
    return ProblemRef(object_id.number, object_id.second)


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


def _to_problem(problem: Problem) -> pb.DesignProblem:
    return pb.DesignProblem(
        id=object_ids.encode(problem.created_at, problem.problem_id),
        created_by=problem.owner_email,
        created_at=rfc3339(problem.created_at),
        updated_at=rfc3339(problem.updated_at),
        **statement_fields(problem.statement),
    )
