"""Serves practice.catalog.v1.ProblemService: converts, calls the use case, converts back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from practice.catalog.v1 import problem_pb2
from practice.catalog.v1 import problem_service_pb2 as pb
from practice.catalog.v1.problem_service_pb2_grpc import ProblemServiceServicer

from catalog_service.adapters.grpc.problem_converters import (
    changes_from_proto,
    problem_to_proto,
    ref_from_name,
    statement_from_proto,
)
from catalog_service.application.problems import (
    CreateProblem,
    DeleteProblem,
    GetProblem,
    ListProblems,
    UpdateProblem,
)
from catalog_service.domain.problems import Problem
from service_kit.call import current_call

PUBLIC = frozenset(f"/practice.catalog.v1.ProblemService/{name}" for name in ("GetProblem", "ListProblems"))

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class UseCases:
    """What the servicer calls, and that of each product with problems."""

    create_problem: CreateProblem
    get_problem: GetProblem
    list_problems: ListProblems
    update_problem: UpdateProblem
    delete_problem: DeleteProblem


class ProblemServicer(ProblemServiceServicer):
    """Serves practice.catalog.v1.ProblemService."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use = use_cases

    async def CreateProblem(self, request: pb.CreateProblemRequest, context: Context) -> problem_pb2.Problem:
        """Makes a problem of the caller's."""
        return _problem_for_caller(
            await self._use.create_problem(current_call(), statement_from_proto(request.problem))
        )

    async def GetProblem(self, request: pb.GetProblemRequest, context: Context) -> problem_pb2.Problem:
        """Returns one problem."""
        return _problem_for_caller(await self._use.get_problem(ref_from_name(request.name)))

    async def ListProblems(
        self, request: pb.ListProblemsRequest, context: Context
    ) -> pb.ListProblemsResponse:
        """Returns a page of problems."""
        found = await self._use.list_problems(
            current_call(),
            query=request.query,
            mine=request.mine,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListProblemsResponse(
            problems=map(_problem_for_caller, found.page.items),
            next_page_token=found.page.next_page_token,
            total_size=found.total,
        )

    async def UpdateProblem(self, request: pb.UpdateProblemRequest, context: Context) -> problem_pb2.Problem:
        """Changes a problem of the caller's."""
        ref = ref_from_name(request.problem.name)
        return _problem_for_caller(
            await self._use.update_problem(current_call(), ref, changes_from_proto(request))
        )

    async def DeleteProblem(self, request: pb.DeleteProblemRequest, context: Context) -> Empty:
        """Deletes a problem of the caller's."""
        await self._use.delete_problem(current_call(), ref_from_name(request.name))
        return Empty()


def _problem_for_caller(problem: Problem) -> problem_pb2.Problem:
    return problem_to_proto(problem, current_call().user_id)
