"""What a session that was practised offline amounts to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from service_kit.errors import ServiceError
from session_service.domain.days import Calendar
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import State
from session_service.offline.domain import (
    OfflineAnswer,
    OfflineSession,
    RefusedAnswer,
    Window,
    begin,
    client_id_of,
    digest_of,
    finish,
)
from tests.session_service.domain.sessions import PRODUCTS
from tests.session_service.offline import items as offline
from tests.session_service.products import SHIPPED_PRODUCTS

NOW = datetime(2026, 2, 18, 8, 0, tzinfo=UTC)
WINDOW = Window.around(NOW, timedelta(days=30))
MADRID = Calendar("Europe/Madrid", 4)
ENDED = NOW - timedelta(days=2)


def merged(told: OfflineSession, calendar: Calendar = MADRID) -> PracticeSession:
    session = begin(told, SHIPPED_PRODUCTS.get(told.product), user_id=5, calendar=calendar, window=WINDOW)
    return finish(session, told, user_seq=3, calendar=calendar, now=NOW)


def refusal_of(told: OfflineSession) -> tuple[str, str]:
    with pytest.raises(ServiceError) as refused:
        merged(told)
    return refused.value.reason, refused.value.metadata.get("field", "")


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_session_of_any_product_is_over_when_it_arrives(product: str) -> None:
    session = merged(offline.session(ENDED, product, elapsed_seconds=540, note="On the train"))
    assert (session.state, session.synced, session.user_seq) == (State.COMPLETED, True, 3)
    assert session.counts is (product not in ("exercises", "portal")), "nothing was answered"
    assert (session.started_at, session.ended_at) == (ENDED - timedelta(minutes=10), ENDED)
    assert (session.elapsed_seconds, session.implausible) == (540, False)
    assert (session.open_slot, session.active_since, session.version) == (None, None, 1)
    assert (session.updated_at, session.note) == (NOW, "On the train")


def test_the_day_is_the_one_that_the_end_fell_on_where_the_device_was() -> None:
    at_night = datetime(2026, 2, 15, 18, 30, tzinfo=UTC)
    tokyo = merged(offline.session(at_night), Calendar("Asia/Tokyo", 0))
    assert (tokyo.local_date, tokyo.time_zone) == (date(2026, 2, 16), "Asia/Tokyo")
    night_owl = merged(offline.session(at_night), Calendar("Asia/Tokyo", 4))
    assert (night_owl.local_date, night_owl.rollover_hour) == (date(2026, 2, 15), 4)


def test_without_a_word_on_it_all_of_the_time_was_practised() -> None:
    assert merged(offline.session(ENDED)).elapsed_seconds == 600


@pytest.mark.parametrize(("elapsed", "implausible"), [(0, False), (660, False), (661, True)])
@pytest.mark.parametrize("product", ["yoga", "focus", "design"])
def test_more_than_a_minute_beyond_the_wall_time_is_implausible(
    product: str, elapsed: int, implausible: bool
) -> None:
    session = merged(offline.session(ENDED, product, elapsed_seconds=elapsed))
    assert (session.elapsed_seconds, session.implausible) == (elapsed, implausible)


@pytest.mark.parametrize(("told", "kept"), [(0, 0), (420, 420), (600, 600), (601, 600), (2**31 - 1, 600)])
@pytest.mark.parametrize("product", ["exercises", "portal"])
def test_where_the_server_keeps_time_a_device_can_only_tell_of_pauses(
    product: str, told: int, kept: int
) -> None:
    session = merged(offline.session(ENDED, product, elapsed_seconds=told))
    assert (session.elapsed_seconds, session.implausible) == (kept, False)


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"product": "chess"}, "PRODUCT_UNKNOWN", ""),
        ({"mode": "speed"}, "MODE_UNKNOWN", ""),
        ({"content": "activities/1"}, "CONTENT_MISMATCH", ""),
        ({"outcome": State.PARTIAL}, "OUTCOME_NOT_ALLOWED", ""),
        ({"ended_at": NOW + timedelta(hours=1, seconds=1)}, "TIME_OUT_OF_RANGE", "end_time"),
        ({"started_at": NOW - timedelta(days=30, seconds=1)}, "TIME_OUT_OF_RANGE", "start_time"),
        ({"client_id": offline.uuid7(NOW + timedelta(hours=1, seconds=1))}, "TIME_OUT_OF_RANGE", "client_id"),
        ({"client_id": "ffffffff-ffff-7fff-bfff-ffffffffffff"}, "TIME_OUT_OF_RANGE", "client_id"),
        ({"started_at": ENDED + timedelta(seconds=1)}, "FIELD_INVALID", "end_time"),
        ({"note": "x" * 5_001}, "FIELD_INVALID", "note"),
        ({"note": "\0"}, "FIELD_INVALID", "note"),
        ({"answers": (RefusedAnswer("a", "FIELD_INVALID"),) * 1_001}, "FIELD_INVALID", "answers"),
    ],
)
def test_what_can_never_have_happened_is_refused(changes: dict[str, Any], reason: str, field: str) -> None:
    assert refusal_of(offline.session(ENDED, **changes)) == (reason, field)


@pytest.mark.parametrize(
    "changes",
    [
        {"product": "yoga", "elapsed_seconds": 14_401},
        {"product": "focus", "planned_seconds": None},
        {"product": "focus", "planned_seconds": 59},
        {"product": "focus", "elapsed_seconds": 86_401},
    ],
)
def test_a_products_bounds_hold_offline_too(changes: dict[str, Any]) -> None:
    assert refusal_of(offline.session(ENDED, **changes))[0] == "DURATION_OUT_OF_RANGE"


def test_the_edges_of_the_window_are_inside() -> None:
    earliest, latest = NOW - timedelta(days=30), NOW + timedelta(hours=1)
    session = merged(offline.session(latest, started_at=earliest, client_id=offline.uuid7(latest)))
    assert (session.started_at, session.ended_at) == (earliest, latest)


def test_an_id_is_a_version_7_uuid_in_any_case() -> None:
    made = offline.uuid7(NOW)
    assert client_id_of("client_id", made.upper()) == made


@pytest.mark.parametrize(
    "text",
    [
        "",
        "17",
        "not a uuid at all, but as long as one",
        "0190c0de-0000-4000-8000-000000000001",
        "0190c0de-0000-7000-c000-000000000001",
        "0190c0de000070008000000000000001",
        "{0190c0de-0000-7000-8000-000000000001}",
        "urn:uuid:0190c0de-0000-7000-8000-000000000001",
    ],
)
def test_anything_else_is_no_id(text: str) -> None:
    with pytest.raises(ServiceError) as refused:
        client_id_of("client_id", text)
    assert (refused.value.reason, refused.value.metadata["field"]) == ("FIELD_INVALID", "client_id")


def test_the_same_said_again_has_the_same_digest_and_anything_else_another() -> None:
    given = offline.answer(ENDED, time_taken=0.0)
    told = offline.session(ENDED, elapsed_seconds=0, answers=(given,))
    elsewhere = told.ended_at.astimezone(timezone(timedelta(hours=9)))
    assert digest_of(replace(told, ended_at=elsewhere)) == digest_of(told)
    others = [
        replace(told, elapsed_seconds=None),
        replace(told, outcome=State.ABANDONED),
        replace(told, answers=()),
        replace(told, answers=(given, given)),
        replace(told, answers=(replace(given, time_taken=None),)),
        replace(told, answers=(replace(given, text=" hable"),)),
        replace(told, time_zone="Asia/Tokyo"),
        replace(told, ended_at=told.ended_at + timedelta(microseconds=1)),
    ]
    assert len({digest_of(other) for other in [told, *others]}) == len(others) + 1
    assert digest_of(replace(given, session_id=7)) != digest_of(given)


def test_a_digest_that_is_on_record_is_made_again_for_ever() -> None:
    told = OfflineSession(
        client_id="0190c0de-0000-7000-8000-000000000001",
        product="exercises",
        started_at=datetime(2026, 2, 16, 7, 50, tzinfo=UTC),
        ended_at=datetime(2026, 2, 16, 8, 0, tzinfo=UTC),
        time_zone="Europe/Madrid",
        outcome=State.COMPLETED,
        answers=(
            OfflineAnswer(
                answer_id="0190c0de-0000-7000-8000-000000000002",
                item="exercises/1",
                text="hablé",
                answered_at=datetime(2026, 2, 16, 7, 55, tzinfo=UTC),
                time_taken=2.5,
            ),
            RefusedAnswer("?", "FIELD_INVALID"),
        ),
    )
    assert digest_of(told).hex() == "b9b6c79c20589b6165b32d62daa49f674c2640259cff5051ea2ea2a2405fa10d"
