"""What is written in content files is what the services are sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import protovalidate
import pytest
from practice.catalog.v1 import (
    achievement_pb2,
    activity_pb2,
    catalog_service_pb2,
    exercise_pb2,
    problem_pb2,
    sequence_pb2,
)
from practice.session.v1 import product_admin_service_pb2
from practice.stats.v1 import progress_pb2, stats_service_pb2

from deploy.commands.content import loading as content
from tests.deploy.content_services import (
    ACHIEVEMENT,
    ACTIVITY,
    BADGE,
    EXERCISE,
    PROBLEM,
    PRODUCT,
    SEQUENCE,
    SHIPPED,
    Services,
    serving,
    write,
)


@pytest.fixture
def services() -> Iterator[Services]:
    with serving() as running:
        yield running


WHOLE = {
    "products": f"{PRODUCT}- product: focus\n- product: portal\n",
    "exercises__present": EXERCISE,
    "activities__basic": ACTIVITY,
    "sequences__everyday": SEQUENCE,
    "problems__reading": PROBLEM,
    "achievements": ACHIEVEMENT,
    "badges": BADGE,
}
KINDS = ("products", "exercises", "activities", "sequences", "problems", "achievements", "badges")


def test_what_is_written_is_what_is_sent_products_first_and_badges_last(
    tmp_path: Path, services: Services
) -> None:
    report = services.load(write(tmp_path, **WHOLE))
    assert services.requests == [
        product_admin_service_pb2.LoadProductsRequest(
            products=[
                product_admin_service_pb2.ProductRow(
                    product="chess",
                    open_sessions=product_admin_service_pb2.ProductRow.OPEN_SESSIONS_ONE_PER_USER,
                    second_start=product_admin_service_pb2.ProductRow.SECOND_START_RESUME,
                    modes=["blitz", "rapid"],
                    items="exercises",
                    min_planned_seconds=60,
                    max_planned_seconds=7200,
                    elapsed=product_admin_service_pb2.ProductRow.ELAPSED_REPORTED,
                    max_elapsed_seconds=7200,
                    pause_again=product_admin_service_pb2.ProductRow.PAUSE_AGAIN_RECORDS_ELAPSED,
                    outcomes=["completed", "partial", "abandoned"],
                    counted=["completed", "partial"],
                    counts_unanswered=False,
                ),
                product_admin_service_pb2.ProductRow(product="focus"),
                product_admin_service_pb2.ProductRow(product="portal"),
            ]
        ),
        catalog_service_pb2.LoadExercisesRequest(
            exercises=[
                exercise_pb2.ExerciseContent(
                    exercise_id=123,
                    prompt="Espero que ella ___ con el profesor.",
                    cue="hablar",
                    instruction="present subjunctive, él/ella",
                    language="es",
                    difficulty="easy",
                    accepted_answers=["hable"],
                    explanation="After esperar que the verb is in the subjunctive.",
                )
            ]
        ),
        catalog_service_pb2.LoadActivitiesRequest(
            activities=[
                activity_pb2.ActivityContent(
                    activity_id=123,
                    title="Basic Vocabulary",
                    type="flashcards",
                    language="en",
                    translation_language="es",
                    words=[
                        activity_pb2.Word(
                            word_id="en-hello",
                            word="hello",
                            translations=["hola"],
                            difficulties=["easy", "medium"],
                        ),
                        activity_pb2.Word(
                            word_id="en-goodbye",
                            word="goodbye",
                            translations=["adiós", "chao"],
                            difficulties=["easy"],
                        ),
                    ],
                )
            ]
        ),
        catalog_service_pb2.LoadSequencesRequest(
            sequences=[
                sequence_pb2.Sequence(
                    sequence_id=123,
                    title="Morning",
                    description="Wakes the spine.",
                    difficulty="easy",
                    poses=[
                        sequence_pb2.Pose(
                            title="Mountain Pose",
                            sanskrit_title="Tadasana",
                            duration_seconds=45,
                            cue="Grow tall.",
                        ),
                        sequence_pb2.Pose(title="Rest", duration_seconds=120),
                    ],
                )
            ]
        ),
        catalog_service_pb2.LoadProblemsRequest(
            problems=[
                catalog_service_pb2.ShippedProblem(
                    key="url-shortener",
                    problem=problem_pb2.Problem(
                        title="Short links",
                        description="Make long addresses short.",
                        difficulty="easy",
                        categories=["Storage"],
                        estimated_time="45 mins",
                        requirements=["Shorten"],
                        constraints=["Seven characters"],
                        hints=["Count"],
                    ),
                )
            ]
        ),
        catalog_service_pb2.LoadAchievementsRequest(
            achievements=[
                achievement_pb2.Achievement(
                    achievement_id="sharp-mind",
                    product="portal",
                    type="accuracy",
                    title="Sharp Mind",
                    description="80% success rate in a session",
                    metric="success_rate",
                    threshold=0.8,
                )
            ]
        ),
        stats_service_pb2.LoadBadgeDefinitionsRequest(
            badge_definitions=[
                progress_pb2.BadgeDefinition(
                    badge_id="focus-first-session",
                    name="First Focus",
                    description="Complete your first focus session.",
                    icon="🌱",
                    product="focus",
                    condition="focus.sessions >= 1",
                )
            ]
        ),
    ]
    assert report.kinds == tuple(
        content.Loaded(kind, created=3 if kind == "products" else 1) for kind in KINDS
    )


def test_what_a_badge_may_have_besides_is_sent_as_the_contract_says_it(
    tmp_path: Path, services: Services
) -> None:
    season = f"{BADGE}  first_day: 2026-12-01\n  last_day: 2026-12-31\n  hidden: yes\n  state: locked\n"
    services.load(write(tmp_path, badges=season))
    (request,) = services.requests
    assert isinstance(request, stats_service_pb2.LoadBadgeDefinitionsRequest)
    (badge,) = request.badge_definitions
    assert (badge.first_date, badge.last_date, badge.hidden) == ("2026-12-01", "2026-12-31", True)
    assert badge.state == progress_pb2.BADGE_STATE_LOCKED


def test_loading_twice_sends_the_same(services: Services) -> None:
    created = services.load(SHIPPED)
    unchanged = services.load(SHIPPED)
    assert len(services.requests) == 2 * len(KINDS)
    assert services.requests[: len(KINDS)] == services.requests[len(KINDS) :]
    assert [kind.created for kind in created.kinds] == [kind.unchanged for kind in unchanged.kinds]
    assert not any(kind.created or kind.updated for kind in unchanged.kinds)


def test_more_than_a_request_holds_is_sent_in_batches(
    tmp_path: Path, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "LARGEST_BATCH", 2)
    text = "".join(EXERCISE.replace("123", str(number)) for number in (1, 2, 3))
    report = services.load(write(tmp_path, exercises__present=text))
    sent = [
        [exercise.exercise_id for exercise in request.exercises]
        for request in services.requests
        if isinstance(request, catalog_service_pb2.LoadExercisesRequest)
    ]
    assert sent == [[1, 2], [3]]
    assert report.kinds[1] == content.Loaded("exercises", created=2, unchanged=1)


def test_more_than_a_hundred_activities_are_sent_in_batches(tmp_path: Path, services: Services) -> None:
    text = "".join(
        ACTIVITY.replace("123", str(number)).replace("id: en-", f"id: en-{number}-")
        for number in range(1, 102)
    )
    services.load(write(tmp_path, activities__many=text))
    sent = [
        len(request.activities)
        for request in services.requests
        if isinstance(request, catalog_service_pb2.LoadActivitiesRequest)
    ]
    assert sent == [100, 1]
    for request in services.requests:
        protovalidate.validate(request)


@pytest.mark.parametrize("alone", WHOLE)
def test_a_kind_without_files_is_not_sent(tmp_path: Path, services: Services, alone: str) -> None:
    report = services.load(write(tmp_path, **{alone: WHOLE[alone]}))
    kind = alone.partition("__")[0]
    assert len(services.requests) == 1
    assert report.kinds == tuple(
        content.Loaded(one, created=(3 if kind == "products" else 1) if one == kind else 0) for one in KINDS
    )


def test_content_with_a_fault_is_not_sent_at_all(tmp_path: Path, services: Services) -> None:
    directory = write(
        tmp_path, exercises__present=EXERCISE, badges=BADGE.replace("sessions >= 1", "smiles >= 1")
    )
    with pytest.raises(content.ContentRefusedError, match=r"badges\.yaml:6: condition") as refused:
        services.load(directory)
    assert len(refused.value.faults) == 1
    assert services.requests == []


@pytest.mark.parametrize("alone", WHOLE)
def test_a_service_that_refuses_is_told_without_the_token(
    tmp_path: Path, services: Services, alone: str
) -> None:
    with pytest.raises(content.LoadFailedError) as failed:
        services.load(write(tmp_path, **{alone: WHOLE[alone]}), token="wrong")
    assert str(failed.value) == (
        f"{alone.partition('__')[0]} were not loaded: the service at {services.address} refuses: not for you"
        " (INTERNAL_TOKEN_FILE has to hold the same secret as the service's)"
    )


def test_a_service_that_is_not_there_is_given_up_at_the_deadline(
    tmp_path: Path, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "DEADLINE", 0.2)
    services.server.stop(grace=None).wait()
    with pytest.raises(content.LoadFailedError, match="does not answer"):
        services.load(write(tmp_path, exercises__present=EXERCISE))
