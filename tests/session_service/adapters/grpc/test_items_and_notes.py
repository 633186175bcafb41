"""Sessions over picked items, their reports, and what people write about them."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.struct_pb2 import Struct
from practice.catalog.v1 import activity_pb2
from practice.catalog.v1 import catalog_service_pb2 as catalog_pb
from practice.catalog.v1 import catalog_service_pb2_grpc as catalog_rpc
from practice.session.v1 import practice_session_pb2 as session_pb
from practice.session.v1 import session_service_pb2 as pb

from tests.grpc_errors import refusal
from tests.session_service.clients import Learner, Metadata, elapsed

Code = grpc.StatusCode
ACTIVITY = "activities/900123"
WORDS = [
    ("sun", "sol", "easy"),
    ("sea", "mar", "medium"),
    ("sky", "cielo", "medium"),
    ("ice", "hielo", "hard"),
]


@pytest.fixture
async def portal(learner: Learner, catalog_address: str, internal: Metadata) -> Learner:
    """A learner for whom there is an activity of four words, two of them of medium difficulty."""
    words = [
        activity_pb2.Word(word_id=f"t-{word}", word=word, translations=[answer], difficulties=[level])
        for word, answer, level in WORDS
    ]
    content = activity_pb2.ActivityContent(
        activity_id=900_123,
        title="Nature",
        type="flashcards",
        language="en",
        translation_language="es",
        words=words,
    )
    async with grpc.aio.insecure_channel(catalog_address) as channel:
        await catalog_rpc.CatalogAdminServiceStub(channel).LoadActivities(
            catalog_pb.LoadActivitiesRequest(activities=[content]), metadata=internal
        )
    return learner


def answers(*given: tuple[str, str], seconds: int | None = None) -> list[session_pb.Answer]:
    taken = elapsed(seconds) if seconds is not None else None
    return [session_pb.Answer(item=f"words/t-{word}", text=text, time_taken=taken) for word, text in given]


async def test_a_start_picks_items_of_the_difficulty_in_the_contents_order(portal: Learner) -> None:
    selection = pb.ItemSelection(difficulty="medium", count=3)

    started = await portal.call("StartSession", product="portal", content=ACTIVITY, selection=selection)

    assert (started.session.content_title, started.session.content_type) == ("Nature", "flashcards")
    assert started.session.item_count == 3
    listed = await portal.call("ListSessionItems", name=started.session.name)
    # Two of medium difficulty, filled up by the first of the others.
    assert [(item.position, item.prompt) for item in listed.items] == [(1, "sun"), (2, "sea"), (3, "sky")]
    assert listed.items[0] == started.first_item
    assert not any(item.correct_answer for item in listed.items)


async def test_answers_count_for_their_items_and_name_the_next(portal: Learner) -> None:
    started = await portal.call("StartSession", product="portal", content=ACTIVITY)
    name = started.session.name

    first = await portal.call("SubmitAnswers", name=name, answers=answers(("sun", "sol"), ("sky", "no")))
    second = await portal.call("SubmitAnswers", name=name, answers=answers(("sky", "cielo"), ("sea", "mar")))

    assert (first.session.answered_item_count, first.session.right_run) == (2, 0)
    assert (second.session.answered_item_count, second.session.right_run) == (3, 2)
    assert first.next_item.prompt == "sea"
    assert second.next_item.prompt == "ice"
    last = await portal.call("SubmitAnswers", name=name, answers=answers(("ice", "hielo")))
    assert not last.HasField("next_item")
    items = (await portal.call("ListSessionItems", name=name)).items
    assert [(item.attempt_count, item.correct_attempt_count) for item in items] == [
        (1, 1),
        (1, 1),
        (2, 1),
        (1, 1),
    ]
    assert [item.correct_answer for item in items] == ["sol", "mar", "cielo", "hielo"]


async def test_an_item_outside_of_the_session_is_refused_though_it_exists(portal: Learner) -> None:
    selection = pb.ItemSelection(difficulty="medium", count=2)
    started = await portal.call("StartSession", product="portal", content=ACTIVITY, selection=selection)

    response = await portal.call(
        "SubmitAnswers", name=started.session.name, answers=answers(("sun", "sol"), ("sea", "mar"))
    )

    outside, inside = response.results
    assert outside.error.code == 5
    assert inside.correct
    assert response.session.answer_count == 1


async def test_a_repeat_of_a_start_and_of_answers_is_as_it_was(portal: Learner) -> None:
    fields: dict[str, Any] = {"product": "portal", "content": ACTIVITY, "request_id": "start"}
    started = await portal.call("StartSession", **fields)
    given = {"name": started.session.name, "answers": answers(("sun", "sol")), "request_id": "answer"}
    answered = await portal.call("SubmitAnswers", **given)
    await portal.call("SubmitAnswers", name=started.session.name, answers=answers(("sea", "mar")))

    assert await portal.call("StartSession", **fields) == started
    assert await portal.call("SubmitAnswers", **given) == answered
    assert len((await portal.call("ListSessionItems", name=started.session.name)).items) == 4


async def test_a_report_tells_what_was_answered_and_how_fast(portal: Learner) -> None:
    name = (await portal.call("StartSession", product="portal", content=ACTIVITY)).session.name
    empty = await portal.call("GetSessionReport", name=name)
    assert (list(empty.answered_items), empty.HasField("average_time_taken")) == ([], False)
    await portal.call("SubmitAnswers", name=name, answers=answers(("sky", "no"), seconds=2))
    await portal.call(
        "SubmitAnswers", name=name, answers=answers(("sun", "sol"), ("sky", "cielo"), seconds=5)
    )
    await portal.call("SubmitAnswers", name=name, answers=answers(("sun", "sol")))

    report = await portal.call("GetSessionReport", name=name)

    assert [
        (item.item, item.attempt_count, item.correct_attempt_count) for item in report.answered_items
    ] == [
        ("words/t-sky", 2, 1),
        ("words/t-sun", 2, 2),
    ]
    assert report.average_time_taken == elapsed(4)
    assert report.mastered_item_count == 1
    assert report.session.answer_count == 4


async def test_a_report_of_a_session_without_picked_items_works_as_well(learner: Learner) -> None:
    name = (await learner.start()).name
    await learner.answer(name, "hable", "no")

    report = await learner.call("GetSessionReport", name=name)

    assert [(item.item, item.attempt_count) for item in report.answered_items] == [("exercises/123", 2)]
    assert list((await learner.call("ListSessionItems", name=name)).items) == []


@pytest.mark.parametrize("fields", [{"difficulty": "brutal"}, {"count": 101}, {"count": -1}])
async def test_a_selection_outside_the_bounds_is_refused(learner: Learner, fields: dict[str, Any]) -> None:
    refused = await refusal(
        learner.call("StartSession", product="portal", content=ACTIVITY, selection=pb.ItemSelection(**fields))
    )

    assert (refused.code, refused.reason) == (Code.INVALID_ARGUMENT, "FIELD_INVALID")


def struct(**members: Any) -> Struct:
    settings = Struct()
    settings.update(members)
    return settings


async def test_settings_come_back_as_they_were_given(learner: Learner) -> None:
    settings = struct(audio=True, lives=3, speed=1.25, name="ñandú", tags=["a", None], deep={"a": {"b": []}})

    started = await learner.start("yoga", settings=settings, request_id="once")

    assert started.settings == settings
    assert (await learner.call("GetSession", name=started.name)).settings == settings
    assert (await learner.start("yoga", settings=settings, request_id="once")).settings == settings


@pytest.mark.parametrize(
    "settings",
    [
        struct(**{f"key{number}": 1 for number in range(65)}),
        struct(text="x" * 9_000),
        struct(bad=float("nan")),
        struct(bad=float("inf")),
        struct(bad="\0"),
    ],
    ids=["many", "large", "nan", "infinite", "nul"],
)
async def test_settings_that_cannot_be_kept_are_refused(learner: Learner, settings: Struct) -> None:
    refused = await refusal(learner.start("yoga", settings=settings))

    assert (refused.code, refused.reason) == (Code.INVALID_ARGUMENT, "FIELD_INVALID")
    assert list((await learner.call("ListSessions")).sessions) == []


async def test_a_note_is_written_on_an_open_and_on_an_ended_session(learner: Learner) -> None:
    name = (await learner.start("yoga")).name
    noted = await learner.call("SetNote", name=name, note="tired ✓")
    again = await learner.call("SetNote", name=name, note="tired ✓")
    ended = await learner.call("CompleteSession", name=name, elapsed=elapsed(60))
    renoted = await learner.call("SetNote", name=name, note="")

    assert (noted.note, noted.etag) == ("tired ✓", '"2"')
    assert again == noted
    assert ended.note == "tired ✓"
    assert renoted.note == ""
    assert (renoted.state, renoted.end_time, renoted.user_seq) == (ended.state, ended.end_time, 1)


async def test_a_note_after_the_end_is_seen_by_those_who_watch_from_there(learner: Learner) -> None:
    name = (await learner.start("yoga")).name
    await learner.call("CompleteSession", name=name)
    await learner.call("SetNote", name=name, note="good")

    changes = [change async for change in learner.call("WatchSession", name=name, cursor=2)]

    assert [(change.kind, change.cursor) for change in changes] == [(session_pb.SessionChange.KIND_NOTED, 3)]


@pytest.mark.parametrize(
    ("method", "fields"), [("ListSessionItems", {}), ("GetSessionReport", {}), ("SetNote", {"note": "mine"})]
)
async def test_another_users_session_is_not_found(
    learner: Learner, stranger: Learner, method: str, fields: dict[str, str]
) -> None:
    name = (await learner.start("yoga")).name

    refused = await refusal(stranger.call(method, name=name, **fields))

    assert (refused.code, refused.reason) == (Code.NOT_FOUND, "SESSION_NOT_FOUND")


async def test_a_note_is_removed_by_an_empty_one_and_never_by_none(learner: Learner) -> None:
    name = (await learner.start("yoga")).name
    await learner.call("SetNote", name=name, note="kept")

    refused = await refusal(learner.call("SetNote", name=name))

    assert (refused.reason, refused.faults) == ("FIELD_INVALID", {"note": "is required"})
    assert (await learner.call("GetSession", name=name)).note == "kept"
    assert (await learner.call("SetNote", name=name, note="")).note == ""


@pytest.mark.parametrize("note", ["x" * 5_001, "\0"])
async def test_a_note_that_cannot_be_kept_is_refused(learner: Learner, note: str) -> None:
    name = (await learner.start("yoga")).name

    refused = await refusal(learner.call("SetNote", name=name, note=note))

    assert (refused.code, refused.reason) == (Code.INVALID_ARGUMENT, "FIELD_INVALID")
