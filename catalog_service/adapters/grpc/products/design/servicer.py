"""Serves the problems of the design product: converts, calls the use case, converts back."""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from practice.products.design.v1 import design_problems_service_pb2 as pb
from practice.products.design.v1.design_problems_service_pb2_grpc import DesignProblemsServiceServicer

from catalog_service.adapters.grpc.problem_servicer import UseCases
from catalog_service.adapters.grpc.products.design.requests import (
    changes_from_proto,
    limit_from_proto,
    ref_from_id,
    statement_from_proto,
)
from catalog_service.adapters.grpc.products.design.responses import problem_to_proto
from catalog_service.domain.errors import ContentNotFoundError, ProblemNotOwnedError
from service_kit.call import current_call
from service_kit.errors import NotFoundError
from service_kit.grpc.presentation import answer_with_status

SERVICE = "practice.products.design.v1.DesignProblemsService"
PUBLIC = frozenset(f"/{SERVICE}/{name}" for name in ("ListProblems", "GetProblem", "SearchProblems"))

Context = grpc.aio.ServicerContext[Any, Any]


class DesignProblemsServicer(DesignProblemsServiceServicer):
    """Serves practice.products.design.v1.DesignProblemsService."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use = use_cases

    async def CreateProblem(self, request: pb.ProblemBody, context: Context) -> pb.ProblemResponse:
        """Makes a problem; the gateway answers 201."""
        problem = await self._use.create_problem(current_call(), statement_from_proto(request))
        await answer_with_status(context, 201)
        return pb.ProblemResponse(message="Problem created successfully", problem=problem_to_proto(problem))

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
        limit = limit_from_proto(request)
        problems, total = await self._use.list_problems.window(
            current_call(), skip=request.skip, limit=limit, query=request.q
        )
        return pb.SearchProblemsResponse(
            total=total,
            query=request.q,
            skip=request.skip,
            limit=limit,
            problems=map(problem_to_proto, problems),
        )

    async def GetProblem(self, request: pb.GetProblemRequest, context: Context) -> pb.DesignProblem:
        """Returns a problem."""
        return problem_to_proto(await self._use.get_problem(ref_from_id(request.problem_id)))

    async def UpdateProblem(self, request: pb.UpdateProblemBody, context: Context) -> pb.ProblemResponse:
        """Changes what was sent of a problem of the caller's: an empty list clears, one left out stays."""
        changes = changes_from_proto(request)
        problem = await self._use.update_problem(current_call(), ref_from_id(request.problem_id), changes)
        return pb.ProblemResponse(message="Problem updated successfully", problem=problem_to_proto(problem))

    async def DeleteProblem(self, request: pb.DeleteProblemRequest, context: Context) -> Empty:
        """Deletes a problem of the caller's; another's looks as if it was not there. 204."""
        try:
            await self._use.delete_problem(current_call(), ref_from_id(request.problem_id))
        except (ContentNotFoundError, ProblemNotOwnedError) as error:
            raise NotFoundError(
                "Problem not found or not authorized to delete", reason="CONTENT_NOT_FOUND", **error.metadata
            ) from error
        await answer_with_status(context, 204)
        return Empty()

    async def _list(
        self, request: pb.ListProblemsRequest | pb.ListMyProblemsRequest, *, mine: bool
    ) -> pb.ListProblemsResponse:
        limit = limit_from_proto(request)
        problems, total = await self._use.list_problems.window(
            current_call(), skip=request.skip, limit=limit, mine=mine
        )
        return pb.ListProblemsResponse(
            total=total, skip=request.skip, limit=limit, problems=map(problem_to_proto, problems)
        )
