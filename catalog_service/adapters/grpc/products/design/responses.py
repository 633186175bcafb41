"""Converts responses to the design product's clients."""

from __future__ import annotations

from practice.products.design.v1 import design_problems_service_pb2 as pb

from catalog_service.adapters.grpc.problem_converters import statement_to_fields
from catalog_service.domain.problems import Problem
from service_kit import object_ids
from service_kit.grpc.product_shapes import rfc3339


def problem_to_proto(problem: Problem) -> pb.DesignProblem:
    """Returns a problem as the product's clients know it."""
    return pb.DesignProblem(
        id=object_ids.encode(problem.created_at, problem.problem_id),
        created_by=problem.owner_email,
        created_at=rfc3339(problem.created_at),
        updated_at=rfc3339(problem.updated_at),
        **statement_to_fields(problem.statement),
    )
