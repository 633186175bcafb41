"""What the exercises product's clients ask."""

from __future__ import annotations

from google.protobuf.struct_pb2 import Value
from practice.products.exercises.v1 import exercises_service_pb2 as pb2

from service_kit.errors import InvalidArgumentError
from session_service.adapters.grpc.products.shapes import parse_number
from session_service.domain.answers import SubmittedAnswer
from session_service.domain.errors import ItemNotFoundError

# Of a text that names nothing.
_LONGEST_SHOWN = 64


def answer_from_proto(request: pb2.SubmitAnswerRequest, exercise: int) -> SubmittedAnswer:
    """Returns the answer to an exercise."""
    return SubmittedAnswer(
        item=f"exercises/{exercise}",
        text=request.user_answer,
        time_taken=request.time_taken if request.HasField("time_taken") else None,
    )


def exercise_number(given: Value) -> int:
    """Returns the exercise's number, which the document shows as text.

    Raises ItemNotFoundError for a text that names none, InvalidArgumentError
    for what is neither text nor a whole number.
    """
    number: int | None
    match given.WhichOneof("kind"):
        case "string_value":
            number = parse_number(given.string_value)
            if number is None:
                raise ItemNotFoundError(f"exercises/{given.string_value[:_LONGEST_SHOWN]}")
            return number
        case "number_value" if given.number_value.is_integer():
            return int(given.number_value)
        case None | "null_value":
            raise _invalid("value is required", rule="required")
    raise _invalid("must be the number of an exercise", rule="int64")


def _invalid(problem: str, rule: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"exercise_id: {problem}", reason="FIELD_INVALID", field="exercise_id", rule=rule
    )
