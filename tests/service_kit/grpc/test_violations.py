"""What breaks the schema is told in words, all at once."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest
from buf.validate import validate_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorSet
from practice.catalog.v1 import catalog_service_pb2
from practice.products.exercises.v1 import exercises_service_pb2
from practice.session.v1 import session_service_pb2
from practice.stats.v1 import leaderboard_service_pb2, stats_service_pb2, streak_service_pb2

from gateway.settings import ROOT
from service_kit.errors import FieldsInvalidError
from service_kit.grpc.guards import validate
from service_kit.grpc.presentation import message_of
from service_kit.grpc.product_shapes import validation_details
from service_kit.grpc.statuses import error_to_status
from service_kit.grpc.violations import faults_of, pattern_in_words
from tests.grpc_errors import refusal
from tests.service_kit.conftest import Serve
from tests.service_kit.grpc.test_interceptor import answering

# What clients need not know: regular expressions, protobuf's and Python's ways to write things.
SCHEMA_WORDS = ("regex", "pattern", "in list", "[,", "^", "value is", "defined_only")


def patterns() -> Iterator[str]:
    """Yields every pattern that a text of a request has to fit."""
    contracts = FileDescriptorSet.FromString((ROOT / "generated" / "practice.binpb").read_bytes())
    for file in contracts.file:
        for message in file.message_type if file.package.startswith("practice.") else ():
            for field in message.field:
                yield from _patterns_of(field)


def _patterns_of(field: FieldDescriptorProto) -> Iterator[str]:
    rules = field.options.Extensions[validate_pb2.field]
    for text in (rules.string, rules.repeated.items.string):
        if text.pattern:
            yield text.pattern


@pytest.mark.parametrize("pattern", sorted(set(patterns())))
def test_every_pattern_of_the_contracts_has_words_and_an_example(pattern: str) -> None:
    words = pattern_in_words(pattern)
    assert words is not None
    assert "such as" in words
    assert words.endswith(", or left out") == pattern.startswith("^$|")


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (
            stats_service_pb2.GetStandingRequest(product="X", min_user_seq=-1),
            {
                "product": (
                    "must be at most 32 small letters, digits and underscores, such as focus, or left out"
                ),
                "min_user_seq": "must be at least 0",
            },
        ),
        (
            streak_service_pb2.PlanPauseRequest(first_date="tomorrow"),
            {
                "first_date": "must be a day such as 2026-05-15",
                "last_date": "must be a day such as 2026-05-15",
            },
        ),
        (
            session_service_pb2.PauseSessionRequest(name="5", etag="e" * 65),
            {"name": "must be a name such as sessions/123", "etag": "must be at most 64 characters"},
        ),
        (session_service_pb2.ListSessionsRequest(page_size=101), {"page_size": "must be 0 to 100"}),
        (session_service_pb2.SetNoteRequest(name="sessions/1"), {"note": "is required"}),
        (
            leaderboard_service_pb2.GetLeaderboardRequest(product="all", period="year"),
            {"period": "must be one of day, week, month"},
        ),
        (
            exercises_service_pb2.SubmitAnswerRequest(time_taken=-1),
            {"exercise_id": "is required", "user_answer": "is required"},
        ),
    ],
    ids=lambda each: type(each).__name__,
)
def test_everything_that_is_wrong_is_told_at_once_in_words(request_: object, told: dict[str, str]) -> None:
    faults = faults_of(request_)  # type: ignore[arg-type]
    assert told.items() <= {fault.field: fault.words for fault in faults}.items()
    assert not [word for fault in faults for word in SCHEMA_WORDS if word in fault.words]


def test_a_request_without_fault_passes() -> None:
    validate(session_service_pb2.ListSessionsRequest(page_size=1))


async def test_a_client_gets_the_first_as_the_message_and_all_as_details(serve: Serve) -> None:
    async with serve(answering) as get:
        refused = await refusal(get(name="nothing"))
    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
    assert refused.message == "name: must be a name such as exercises/123"
    assert refused.faults == {"name": "must be a name such as exercises/123"}


def test_products_show_all_of_them_as_one_text_or_as_a_list() -> None:
    with pytest.raises(FieldsInvalidError) as raised:
        validate(exercises_service_pb2.SubmitAnswerRequest())
    assert message_of(raised.value) == "exercise_id: is required; user_answer: is required"
    assert validation_details(raised.value, {"exercise_id"}) == [
        {"loc": ["query", "exercise_id"], "msg": "Field required", "type": "missing"},
        {"loc": ["body", "user_answer"], "msg": "Field required", "type": "missing"},
    ]


def test_however_much_is_wrong_it_fits_into_trailers() -> None:
    item = catalog_service_pb2.GetExerciseRequest(name="é" * 10_000)
    faults = [fault for number in range(100) for fault in faults_of(item)[:1]]
    many = [type(fault)(f"{fault.field}.{number}" * 50, "ñ" * 500) for number, fault in enumerate(faults)]
    error = FieldsInvalidError(many)
    assert len(error.faults) == 10
    trailing = error_to_status(error).trailing_metadata
    assert sum(len(name) + len(value) for name, value in trailing) < 7_000
