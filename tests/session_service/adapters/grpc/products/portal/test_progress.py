"""Answering: judged, counted, and what comes next."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.session_service.adapters.grpc.products.portal.clients import Client
from tests.session_service.clients import Learner

NOT_AN_ITEM = {
    "error": "invalid_request",
    "message": "item_id is not an item of this session",
    "details": {"field": "item_id"},
}


async def test_an_answer_is_judged_and_shows_the_progress_and_the_next_word(portal: Client) -> None:
    session_id = await portal.start()

    assert await portal.answer(session_id, "en-hello", "hola", time_taken=3.5) == {
        "correct": True,
        "correct_answer": "hola",
        "progress": {"completed": 1, "remaining": 19, "success_rate": 1.0},
        "next_item": {"word": "goodbye", "type": "translation", "item_id": "en-goodbye"},
    }


async def test_a_wrong_answer_shows_the_right_one(portal: Client) -> None:
    session_id = await portal.start(activity_id=5)

    body = await portal.answer(session_id, "en-goodbye", "adios")

    assert (body["correct"], body["correct_answer"]) == (False, "adiós")
    assert body["progress"] == {"completed": 1, "remaining": 2, "success_rate": 0.0}
    assert body["next_item"]["item_id"] == "en-hello"


@pytest.mark.parametrize("text", ["ADIÓS", "  adiós ", "adio\u0301s", "Hasta  luego"])
async def test_case_space_and_composition_do_not_count_and_any_translation_is_right(
    portal: Client, text: str
) -> None:
    body = await portal.answer(await portal.start(), "en-goodbye", text)

    assert (body["correct"], body["correct_answer"]) == (True, "adiós")


async def test_items_may_be_answered_in_any_order_and_again_and_the_rate_has_four_digits(
    portal: Client,
) -> None:
    session_id = await portal.start(activity_id=5)

    steps = [("m1", "a m1"), ("en-hello", "no"), ("en-hello", "no"), ("en-hello", "hola"), ("en-goodbye", "")]
    answers = [await portal.answer(session_id, item, text) for item, text in steps]

    assert [body["progress"] for body in answers] == [
        {"completed": 1, "remaining": 2, "success_rate": 1.0},
        {"completed": 2, "remaining": 1, "success_rate": 0.5},
        {"completed": 2, "remaining": 1, "success_rate": 0.3333},
        {"completed": 2, "remaining": 1, "success_rate": 0.5},
        {"completed": 3, "remaining": 0, "success_rate": 0.4},
    ]
    following = [body["next_item"] and body["next_item"]["item_id"] for body in answers]
    assert following == ["en-hello", "en-goodbye", "en-goodbye", "en-goodbye", None]
    assert "next_item" in answers[-1]


@pytest.mark.parametrize(
    "item", ["m24", "h1", "word123", "nobody", "Hello", "", "a b", "a\0b", "-", "ñ", "a/b"]
)
async def test_an_item_outside_of_the_session_is_refused_and_counts_nothing(
    portal: Client, item: str
) -> None:
    session_id = await portal.start()

    assert await portal.refused(
        "UpdateProgress", session_id=session_id, item_id=item, answer="hola", time_taken=1.0
    ) == (400, NOT_AN_ITEM)
    assert (await portal.details(session_id))["performance"]["words_practiced"] == 0


BAD: list[tuple[dict[str, Any], str]] = [
    ({"answer": "hola"}, "item_id"),
    ({"item_id": "en-hello"}, "answer"),
    ({"item_id": "x" * 65, "answer": "hola"}, "item_id"),
    ({"item_id": "en-hello", "answer": "x" * 1001}, "answer"),
    *(
        ({"item_id": "en-hello", "answer": "hola", "time_taken": value}, "time_taken")
        for value in (-0.1, float("nan"), float("inf"))
    ),
]


@pytest.mark.parametrize(("fields", "named"), BAD)
async def test_a_missing_or_ill_field_is_refused_by_name(
    portal: Client, fields: dict[str, Any], named: str
) -> None:
    session_id = await portal.start()

    status, body = await portal.refused("UpdateProgress", session_id=session_id, **fields)

    assert (status, body["error"], body["details"]) == (400, "invalid_request", {"field": named})
    assert named in body["message"]


async def test_an_answer_that_cannot_be_stored_is_refused(portal: Client) -> None:
    status, body = await portal.refused(
        "UpdateProgress", session_id=await portal.start(), item_id="en-hello", answer="a\0b"
    )

    assert (status, body["error"]) == (400, "invalid_request")


async def test_answers_at_once_are_all_counted(portal: Client) -> None:
    session_id = await portal.start()

    bodies = await asyncio.gather(
        *(portal.right(session_id, f"m{number}") for number in range(1, 19) for _ in range(2))
    )

    assert max(body["progress"]["completed"] for body in bodies) == 18
    performance = (await portal.details(session_id))["performance"]
    assert (performance["words_practiced"], performance["correct_answers"]) == (18, 36)


async def test_a_repeat_with_its_key_answers_the_first_and_counts_once(
    portal: Client, learner: Learner
) -> None:
    session_id = await portal.start(activity_id=5)
    keyed = portal.with_metadata(idempotency_key="answer")
    first = await keyed.answer(session_id, "en-hello", "hola")
    await portal.answer(session_id, "en-goodbye", "adiós")
    await portal.complete(session_id)

    assert await keyed.answer(session_id, "en-hello", "hola") == first
    status, body = await keyed.refused(
        "UpdateProgress", session_id=session_id, item_id="en-hello", answer="other"
    )
    assert (status, body["error"]) == (422, "idempotency_key_reused")
    assert (await learner.call("GetSession", name=f"sessions/{session_id}")).answer_count == 2
