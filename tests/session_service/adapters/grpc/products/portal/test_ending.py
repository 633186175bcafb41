"""Completing and cancelling, and what ended sessions answer."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from practice.catalog.v1 import achievement_pb2

from tests.grpc_errors import Refusal, outcome
from tests.session_service.adapters.grpc.products.portal.clients import Client
from tests.session_service.catalog import Catalog
from tests.session_service.clients import Learner
from tests.session_service.statistics import Statistics
from tests.waiting import PATIENCE_SECONDS

SHARP = {"type": "accuracy", "name": "Sharp Mind", "description": "80% success rate in a session"}


def summary(**differing: Any) -> dict[str, Any]:
    return {
        "duration": 0,
        "words_practiced": 0,
        "correct_answers": 0,
        "success_rate": 0.0,
        "streaks": {"current": 3, "best": 5},
        "statistics_pending": False,
        **differing,
    }


@pytest.fixture(autouse=True)
def _three_days(statistics: Statistics, user_id: int) -> None:
    statistics.streaks[user_id] = (3, 5)


async def test_a_completion_answers_summary_achievements_and_next_steps(
    portal: Client, statistics: Statistics, user_id: int
) -> None:
    session_id = await portal.start(activity_id=5)
    statistics.earned[int(session_id)] = [("First Words", "Complete a session")]
    for item, text in (("en-goodbye", "no"), ("m1", "a m1"), ("en-goodbye", "adiós"), ("en-hello", "hola")):
        await portal.answer(session_id, item, text)
    await portal.answer(session_id, "en-hello", "hola")

    assert await portal.complete(session_id) == {
        "session_summary": summary(words_practiced=3, correct_answers=4, success_rate=0.8),
        "achievements": [
            SHARP,
            {"type": "badge", "name": "First Words", "description": "Complete a session"},
        ],
        "next_steps": [
            {"type": "practice", "description": "Review missed words", "word_ids": ["en-goodbye"]}
        ],
    }
    assert statistics.asked == [(user_id, 1)]


async def test_missed_words_come_in_the_order_first_answered(portal: Client) -> None:
    session_id = await portal.start()
    for item in ("m3", "m1", "m2"):
        await portal.answer(session_id, item)
    await portal.right(session_id, "m1")

    body = await portal.complete(session_id)

    assert body["next_steps"][0]["word_ids"] == ["m3", "m1", "m2"]
    assert body["achievements"] == []


async def test_a_session_without_an_answer_can_be_completed(portal: Client) -> None:
    assert await portal.complete(await portal.start()) == {
        "session_summary": summary(),
        "achievements": [],
        "next_steps": [],
    }


async def test_achievements_are_what_the_catalog_defines(portal: Client, catalog: Catalog) -> None:
    def defined(number: int, product: str, metric: str, threshold: float) -> achievement_pb2.Achievement:
        return achievement_pb2.Achievement(
            achievement_id=f"a{number}",
            product=product,
            type="count",
            title=f"A{number}",
            description=".",
            metric=metric,
            threshold=threshold,
        )

    catalog.achievements = [
        defined(1, "portal", "answered_items", 2),
        defined(2, "portal", "answered_items", 3),
        defined(3, "portal", "mastered_items", 1),
        defined(4, "portal", "moon_phase", 0.1),
        defined(5, "yoga", "answered_items", 1),
    ]
    session_id = await portal.start()
    await portal.right(session_id, "m1")
    await portal.answer(session_id, "m2")

    body = await portal.complete(session_id)

    assert [each["name"] for each in body["achievements"]] == ["A1", "A3"]


async def test_the_duration_is_in_seconds_from_start_to_end(portal: Client) -> None:
    session_id = await portal.start()
    await asyncio.sleep(1.05)

    body = await portal.complete(session_id)

    assert body["session_summary"]["duration"] == 1


async def test_late_statistics_show_at_least_the_day_of_this_completion(
    portal: Client, statistics: Statistics, user_id: int
) -> None:
    statistics.counted[user_id] = 0
    for known, shown in (((3, 5), (3, 5)), ((0, 4), (1, 4)), ((0, 0), (1, 1))):
        statistics.streaks[user_id] = known

        body = (await portal.complete(await portal.start()))["session_summary"]

        assert body["statistics_pending"] is True
        assert body["streaks"] == {"current": shown[0], "best": shown[1]}


async def test_statistics_and_catalog_that_are_away_do_not_stop_a_completion(
    portal: Client, statistics: Statistics, catalog: Catalog
) -> None:
    session_id = await portal.start()
    await portal.answer(session_id, "en-hello", "hola")
    statistics.answering.clear()
    catalog.down = True

    async with asyncio.timeout(PATIENCE_SECONDS):
        body = await portal.complete(session_id)

    assert body["session_summary"] == summary(
        words_practiced=1,
        correct_answers=1,
        success_rate=1.0,
        streaks={"current": 1, "best": 1},
        statistics_pending=True,
    )
    assert body["achievements"] == []
    assert (await portal.details(session_id))["timing"]["end_time"] is not None


async def test_a_repeated_completion_answers_the_first_though_statistics_went_on(
    portal: Client, statistics: Statistics, user_id: int
) -> None:
    session_id = await portal.start()
    await portal.answer(session_id, "en-hello", "hola")
    keyed = portal.with_metadata(idempotency_key="end")
    first = await keyed.complete(session_id)
    statistics.streaks[user_id] = (9, 9)

    assert await keyed.complete(session_id) == first
    assert len(statistics.asked) == 1


async def test_a_repeat_after_a_crash_in_between_tells_the_results(
    portal: Client, monkeypatch: pytest.MonkeyPatch, statistics: Statistics
) -> None:
    async def broken(*_: Any) -> Any:
        raise RuntimeError("a crash")

    session_id = await portal.start()
    keyed = portal.with_metadata(idempotency_key="end")
    with monkeypatch.context() as patched:
        patched.setattr("session_service.adapters.db.readers.SqlReaders.report", broken)
        assert (await keyed.refused("CompleteSession", session_id=session_id))[0] == 500

    first = await keyed.complete(session_id)
    assert first["session_summary"] == summary()
    assert await keyed.complete(session_id) == first


async def test_of_completions_at_once_one_counts_and_the_others_are_told(portal: Client) -> None:
    session_id = await portal.start()

    answers = await asyncio.gather(
        *(outcome(portal.call("CompleteSession", session_id=session_id)) for _ in range(8))
    )

    refusals = [answer for answer in answers if isinstance(answer, Refusal)]
    assert [refusal.reason for refusal in refusals] == ["SESSION_ENDED"] * 7


async def test_a_cancelled_session_is_abandoned_and_counts_for_nothing(
    portal: Client, learner: Learner, statistics: Statistics
) -> None:
    session_id = await portal.start()

    body = await portal.ok("CancelSession", session_id=session_id)

    assert body == {"session_id": session_id, "status": "abandoned", "end_time": body["end_time"]}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", body["end_time"])
    assert statistics.asked == []
    assert (await learner.call("ListSessions")).sessions[0].state == 5


@pytest.mark.parametrize("word", ["completed", "abandoned"])
async def test_an_ended_session_refuses_every_change_and_says_how_and_when_it_ended(
    portal: Client, word: str
) -> None:
    session_id = await portal.start()
    await portal.ok("CompleteSession" if word == "completed" else "CancelSession", session_id=session_id)
    ended_at = (await portal.details(session_id))["timing"]["end_time"]

    for method, fields in (
        ("UpdateProgress", {"item_id": "en-hello", "answer": "hola"}),
        ("CompleteSession", {}),
        ("CancelSession", {}),
    ):
        assert await portal.refused(method, session_id=session_id, **fields) == (
            400,
            {
                "error": "invalid_request",
                "message": f"Session already {word}",
                "details": {"session_id": session_id, "status": word, "completion_time": ended_at},
            },
        )


async def test_an_unknown_malformed_or_foreign_session_or_one_of_another_product_is_not_found(
    portal: Client, other: Client, learner: Learner
) -> None:
    theirs = await other.start()
    yoga = (await learner.start("yoga")).name.removeprefix("sessions/")

    for session_id in (theirs, yoga, "999999999", "0", "-1", "01", "abc123", "1e3", "٣", "9" * 19, "a" * 80):
        for method, fields in (
            ("UpdateProgress", {"item_id": "en-hello", "answer": "hola"}),
            ("CompleteSession", {}),
            ("CancelSession", {}),
            ("GetSession", {}),
        ):
            assert await portal.refused(method, session_id=session_id, **fields) == (
                404,
                {"error": "session_not_found", "message": f"Session with ID '{session_id}' not found"},
            )
    assert (await other.details(theirs))["timing"]["end_time"] is None


async def test_a_call_without_a_good_token_is_refused_in_the_products_shape(portal: Client) -> None:
    for metadata in ((), (("authorization", "Bearer nonsense"),)):
        for method in ("StartSession", "ListHistory", "GetSession", "CompleteSession"):
            status, body = await Client(portal.stub, metadata).refused(method)

            assert (status, set(body), body["error"]) == (401, {"error", "message"}, "unauthorized")


async def test_a_fault_is_a_500_that_tells_nothing(portal: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> Any:
        raise RuntimeError("secret")

    monkeypatch.setattr("session_service.adapters.db.sessions.SqlSessions.lock", broken)

    assert await portal.refused("CancelSession", session_id="1") == (
        500,
        {"error": "internal_error", "message": "Something went wrong on our side"},
    )
