"""A session's details, running and ended."""

from __future__ import annotations

import asyncio

from tests.session_service.adapters.grpc.products.portal.clients import Client
from tests.session_service.clients import Learner


async def test_the_details_of_a_new_session_are_all_there(portal: Client) -> None:
    started = await portal.ok("StartSession", activity_id=123)

    assert await portal.details(started["session_id"]) == {
        "session_id": started["session_id"],
        "activity": {"id": 123, "name": "Basic Vocabulary", "type": "flashcards"},
        "timing": {"start_time": started["start_time"], "end_time": None, "duration": 0},
        "performance": {
            "words_practiced": 0,
            "correct_answers": 0,
            "incorrect_answers": 0,
            "success_rate": 0.0,
            "average_response_time": 0.0,
        },
        "progress": {"mastered_words": [], "needs_practice": []},
    }


async def test_words_are_mastered_when_all_their_answers_were_right(portal: Client) -> None:
    session_id = await portal.start()
    for item, text, seconds in (
        ("en-goodbye", "adiós", 1.0),
        ("en-hello", "hola", 2.0),
        ("en-goodbye", "no", 4.25),
        ("m1", "no", None),
        ("en-hello", "hola", None),
        ("en-goodbye", "hasta luego", 0.0),
    ):
        taken = {} if seconds is None else {"time_taken": seconds}
        await portal.answer(session_id, item, text, **taken)
    await portal.complete(session_id)

    body = await portal.details(session_id)

    assert body["performance"] == {
        "words_practiced": 3,
        "correct_answers": 4,
        "incorrect_answers": 2,
        "success_rate": 0.6667,
        "average_response_time": 1.8125,
    }
    assert body["progress"] == {
        "mastered_words": [{"word": "hello", "translation": "hola", "attempts": 2, "success_rate": 1.0}],
        "needs_practice": [
            {"word": "goodbye", "translation": "adiós", "attempts": 3, "success_rate": 0.6667},
            {"word": "to m1", "translation": "a m1", "attempts": 1, "success_rate": 0.0},
        ],
    }
    assert body["timing"]["end_time"] >= body["timing"]["start_time"]


async def test_the_duration_of_a_running_session_goes_on_and_stands_once_it_ended(portal: Client) -> None:
    session_id = await portal.start()
    assert (await portal.details(session_id))["timing"]["duration"] == 0
    await asyncio.sleep(1.05)
    assert (await portal.details(session_id))["timing"]["duration"] == 1
    await portal.ok("CancelSession", session_id=session_id)
    await asyncio.sleep(1.0)

    timing = (await portal.details(session_id))["timing"]

    assert timing["duration"] == 1
    assert timing["end_time"] is not None


async def test_a_session_started_through_the_canonical_api_is_shown_as_well(
    portal: Client, learner: Learner
) -> None:
    session = await learner.start("portal", content="activities/5")
    session_id = session.name.removeprefix("sessions/")

    await portal.answer(session_id, "en-hello", "hola")

    body = await portal.details(session_id)
    assert body["activity"] == {"id": 5, "name": "Three Words", "type": "flashcards"}
    assert body["performance"]["words_practiced"] == 1
