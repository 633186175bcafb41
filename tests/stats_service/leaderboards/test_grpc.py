"""Leaderboards, over a real server and stub. It is noon of Friday, 20 February 2026, in UTC."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias

import grpc
import pytest
from practice.stats.v1 import leaderboard_pb2, leaderboard_service_pb2_grpc
from practice.stats.v1 import leaderboard_service_pb2 as pb
from sqlalchemy import Engine

from stats_service.leaderboards.sql import SqlClosingStore
from stats_service.leaderboards.use_cases import CloseLeaderboards
from tests.grpc_errors import Refusal, outcome, refusal
from tests.personal_data import PersonalDataClient
from tests.stats_service.conftest import NOW, Apply
from tests.stats_service.facts import completion, history
from tests.tokens import TestTokens

Boards: TypeAlias = "leaderboard_service_pb2_grpc.LeaderboardServiceAsyncStub"
Metadata = tuple[tuple[str, str], ...]
TODAY = date(2026, 2, 20)


@pytest.fixture
def boards(channel: grpc.aio.Channel) -> Boards:
    return leaderboard_service_pb2_grpc.LeaderboardServiceStub(channel)


@pytest.fixture
def me(tokens: TestTokens) -> Metadata:
    return tuple(tokens.bearer(1))


def board(**fields: Any) -> pb.GetLeaderboardRequest:
    return pb.GetLeaderboardRequest(**{"product": "focus", "period": "week", **fields})


async def test_the_week_that_is_now_is_shown_with_the_callers_place(
    boards: Boards, me: Metadata, apply: Apply
) -> None:
    apply(*history(1, [TODAY], elapsed_seconds=40))
    apply(*history(2, [TODAY, TODAY - timedelta(days=4)], elapsed_seconds=25))
    # The Sunday before is another week's.
    apply(*history(3, [TODAY - timedelta(days=5)], elapsed_seconds=900))
    told = await boards.GetLeaderboard(board(), metadata=me)
    expected = leaderboard_pb2.Leaderboard(
        name="leaderboards/focus/week/2026-02-16",
        product="focus",
        period="week",
        start_date="2026-02-16",
        end_date="2026-02-22",
        state=leaderboard_pb2.LEADERBOARD_STATE_OPEN,
    )
    # 35 hours until Sunday is over for everybody, and 12 of grace.
    expected.closes_time.FromDatetime(datetime(2026, 2, 24, 23, tzinfo=UTC))
    assert told.leaderboard == expected
    assert [(each.rank, each.elapsed_seconds, each.session_count, each.own) for each in told.entries] == [
        (1, 50, 2, False),
        (2, 40, 1, True),
    ]
    assert told.own_entry == told.entries[1]
    assert (told.total_size, told.next_page_token, told.pending) == (2, "", False)
    assert len({each.alias for each in told.entries}) == 2


@pytest.mark.parametrize(
    ("zone", "first", "last"),
    [
        ("UTC", "2026-02-20", "2026-02-20"),
        ("Pacific/Kiritimati", "2026-02-21", "2026-02-21"),
        ("Etc/GMT+12", "2026-02-20", "2026-02-20"),
    ],
)
async def test_now_is_the_callers_own_day(
    boards: Boards, me: Metadata, zone: str, first: str, last: str
) -> None:
    metadata = (*me, ("x-time-zone", zone))
    told = await boards.GetLeaderboard(board(product="all", period="day"), metadata=metadata)
    assert (told.leaderboard.start_date, told.leaderboard.end_date) == (first, last)
    assert not told.HasField("own_entry")
    assert told.total_size == 0


def opened(token: str) -> Any:
    """Returns what a token says to whoever decodes it."""
    return json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))


def closed(told: Any) -> str:
    """Returns a token that says something."""
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode()


async def test_pages_follow_each_other_and_tell_no_account_number(
    boards: Boards, me: Metadata, apply: Apply
) -> None:
    numbers = [7_700_000 + number for number in range(5)]
    for number in numbers:
        apply(*history(number, [TODAY], elapsed_seconds=60))
    ranks, token = [], ""
    for _ in range(3):
        told = await boards.GetLeaderboard(board(page_size=2, page_token=token), metadata=me)
        ranks += [each.rank for each in told.entries]
        token = told.next_page_token
        assert "77000" not in str(told)
        padded = token + "=" * (-len(token) % 4)
        assert b"77000" not in base64.urlsafe_b64decode(padded)
    assert (ranks, token) == ([1] * 5, "")
    first = await boards.GetLeaderboard(board(page_size=2), metadata=me)
    again = await boards.GetLeaderboard(board(page_size=2), metadata=me)
    # The same place is never the same token: two of them tell nothing of each other's accounts.
    assert first.next_page_token != again.next_page_token
    other = board(page_size=2, page_token=first.next_page_token, metric="sessions")
    refused = await refusal(boards.GetLeaderboard(other, metadata=me))
    assert refused.reason == "PAGE_TOKEN_INVALID"


@pytest.mark.parametrize(
    "place",
    [
        *(2, "2", {}, [], [1, "n"], [1, "n", 3], [1, 2, 3, "s"], [-1, "n", 3, "s"], [1, "n", 2**63, "s"]),
        *([True, "n", 3, "s"], [1, "\ud800", 3, "s"], [1, "n", 3, "\ud800"], [1, "n", 3, 4]),
    ],
    ids=ascii,
)
async def test_a_place_that_no_page_ended_at_is_refused(
    boards: Boards, me: Metadata, apply: Apply, place: object
) -> None:
    apply(*history(1, [TODAY]), *history(2, [TODAY]))
    token = (await boards.GetLeaderboard(board(page_size=1), metadata=me)).next_page_token
    scope, _ = opened(token)
    refused = await refusal(
        boards.GetLeaderboard(board(page_size=1, page_token=closed([scope, place])), metadata=me)
    )
    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")


async def test_nobody_can_ask_who_stands_after_a_number_or_a_score_of_their_choice(
    boards: Boards, me: Metadata, apply: Apply
) -> None:
    for number in (1, 2, 3):
        apply(*history(number, [TODAY], elapsed_seconds=60))
    # The last one of this page is the caller: the mask of this token is known to them.
    scope, (value, nonce, hidden, seal) = opened(
        (await boards.GetLeaderboard(board(page_size=1), metadata=me)).next_page_token
    )
    other_scope, other = opened(
        (await boards.GetLeaderboard(board(page_size=1, metric="sessions"), metadata=me)).next_page_token
    )
    assert scope != other_scope
    for forged in (
        [value, nonce, hidden ^ 1 ^ 2, seal],
        [value + 1, nonce, hidden, seal],
        [value, nonce[::-1], hidden, seal],
        [value, nonce, hidden, seal[::-1]],
        other,
    ):
        asked = board(page_size=1, page_token=closed([scope, forged]))
        refused = await refusal(boards.GetLeaderboard(asked, metadata=me))
        assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")


async def test_sessions_may_decide(boards: Boards, me: Metadata, apply: Apply) -> None:
    apply(*history(1, [TODAY] * 3, elapsed_seconds=1))
    apply(*history(2, [TODAY], elapsed_seconds=100))
    told = await boards.GetLeaderboard(board(metric="sessions"), metadata=me)
    assert [(each.rank, each.session_count) for each in told.entries] == [(1, 3), (2, 1)]
    assert told.own_entry.rank == 1


async def test_a_board_waits_for_the_completion_it_names(boards: Boards, me: Metadata, apply: Apply) -> None:
    assert (await boards.GetLeaderboard(board(min_user_seq=1), metadata=me)).pending
    apply(*history(1, [TODAY]))
    assert not (await boards.GetLeaderboard(board(min_user_seq=1), metadata=me)).pending


async def test_days_go_from_open_over_closing_to_final(
    boards: Boards, me: Metadata, apply: Apply, engine: Engine
) -> None:
    apply(*history(1, [date(2026, 2, 17), date(2026, 2, 18), date(2026, 2, 19), TODAY]))
    CloseLeaderboards(SqlClosingStore(engine), lambda: NOW, timedelta(hours=12))()
    apply(completion(user_id=1, user_seq=5, local_date=date(2026, 2, 17)))
    states = {}
    for day in ("2026-02-17", "2026-02-18", "2026-02-19", "2026-02-20", "2026-02-21"):
        told = await boards.GetLeaderboard(board(period="day", start_date=day), metadata=me)
        states[day] = (
            leaderboard_pb2.LeaderboardState.Name(told.leaderboard.state).removeprefix("LEADERBOARD_STATE_"),
            told.own_entry.session_count,
        )
    assert states == {
        "2026-02-17": ("FINAL", 1),
        "2026-02-18": ("CLOSING", 1),
        # It lasts until 11 o'clock of the 21st, at UTC minus 12 with days that turn at 23 o'clock.
        "2026-02-19": ("OPEN", 1),
        "2026-02-20": ("OPEN", 1),
        # It has begun on Kiritimati.
        "2026-02-21": ("OPEN", 0),
    }


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"start_date": "2026-02-22", "period": "day"}, "start_date"),
        ({"start_date": "2026-03-01"}, "start_date"),
        ({"start_date": "9999-12-31", "period": "month"}, "start_date"),
        ({"start_date": "2026-02-30"}, "start_date"),
        ({"start_date": "2026-W08"}, "start_date"),
        ({"period": "year"}, "period"),
        ({"period": ""}, "period"),
        ({"product": ""}, "product"),
        ({"product": "Chess"}, "product"),
        ({"metric": "streak"}, "metric"),
        ({"page_size": 101}, "page_size"),
    ],
    ids=str,
)
async def test_boards_that_cannot_be_are_refused(
    boards: Boards, me: Metadata, fields: dict[str, Any], field: str
) -> None:
    refused = await refusal(boards.GetLeaderboard(board(**fields), metadata=me))
    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
    assert refused.metadata["field"] == field


@pytest.mark.parametrize("day", ["0001-01-01", "1999-12-31"])
async def test_a_board_of_long_ago_is_empty(boards: Boards, me: Metadata, day: str) -> None:
    told = await boards.GetLeaderboard(board(start_date=day, period="week"), metadata=me)
    assert (told.total_size, list(told.entries)) == (0, [])


async def test_settings_are_shown_changed_and_in_force_at_once(
    boards: Boards, me: Metadata, apply: Apply
) -> None:
    apply(*history(1, [TODAY]))
    settings = await boards.GetLeaderboardSettings(pb.GetLeaderboardSettingsRequest(), metadata=me)
    assert settings.alias.startswith("Learner ")
    assert not settings.opted_out
    anonymous = settings.alias

    async def update(**fields: Any) -> leaderboard_pb2.LeaderboardSettings:
        return await boards.UpdateLeaderboardSettings(
            pb.UpdateLeaderboardSettingsRequest(**fields), metadata=me
        )

    assert (await update(alias="Zoë 👩‍🚀")).alias == "Zoë 👩‍🚀"
    assert (await boards.GetLeaderboard(board(), metadata=me)).own_entry.alias == "Zoë 👩‍🚀"
    assert (await update(opted_out=True)) == leaderboard_pb2.LeaderboardSettings(
        alias="Zoë 👩‍🚀", opted_out=True
    )
    hidden = await boards.GetLeaderboard(board(), metadata=me)
    assert (hidden.total_size, hidden.HasField("own_entry")) == (0, False)
    assert (await update()) == leaderboard_pb2.LeaderboardSettings(alias="Zoë 👩‍🚀", opted_out=True)
    assert (await update(alias="", opted_out=False)).alias == anonymous
    assert (await boards.GetLeaderboard(board(), metadata=me)).own_entry.alias == anonymous


async def test_a_change_that_is_sent_again_gets_its_first_answer(boards: Boards, me: Metadata) -> None:
    out = pb.UpdateLeaderboardSettingsRequest(opted_out=True, request_id="one")
    first = await boards.UpdateLeaderboardSettings(out, metadata=me)
    back = pb.UpdateLeaderboardSettingsRequest(opted_out=False)
    await boards.UpdateLeaderboardSettings(back, metadata=me)
    assert await boards.UpdateLeaderboardSettings(out, metadata=me) == first
    now = await boards.GetLeaderboardSettings(pb.GetLeaderboardSettingsRequest(), metadata=me)
    assert not now.opted_out
    other = pb.UpdateLeaderboardSettingsRequest(alias="Ana", request_id="one")
    refused = await refusal(boards.UpdateLeaderboardSettings(other, metadata=me))
    assert refused.reason == "IDEMPOTENCY_KEY_REUSED"


@pytest.mark.parametrize(
    "alias",
    [" ", "Ana ", "A\nB", "A\0", "\u202eanA", "x" * 41, "\u3164", "\u2800", "Learner 216e"],
    ids=ascii,
)
async def test_a_name_that_is_none_is_refused(boards: Boards, me: Metadata, alias: str) -> None:
    request = pb.UpdateLeaderboardSettingsRequest(alias=alias)
    refused = await refusal(boards.UpdateLeaderboardSettings(request, metadata=me))
    assert (refused.reason, refused.metadata["field"]) == ("FIELD_INVALID", "alias")


async def test_a_name_is_one_persons_until_it_is_given_up(
    boards: Boards, me: Metadata, tokens: TestTokens
) -> None:
    another = tuple(tokens.bearer(2))
    mine = pb.UpdateLeaderboardSettingsRequest(alias="Zoë")
    await boards.UpdateLeaderboardSettings(mine, metadata=me)
    for alike in ("zoë", "Zoe\u0308", "\uff3ao\u200bë"):
        request = pb.UpdateLeaderboardSettingsRequest(alias=alike, opted_out=True)
        refused = await refusal(boards.UpdateLeaderboardSettings(request, metadata=another))
        assert (refused.code, refused.reason) == (grpc.StatusCode.ALREADY_EXISTS, "ALIAS_TAKEN")
    now = await boards.GetLeaderboardSettings(pb.GetLeaderboardSettingsRequest(), metadata=another)
    assert not now.opted_out
    # One's own may be spelled in another way.
    await boards.UpdateLeaderboardSettings(pb.UpdateLeaderboardSettingsRequest(alias="ZOË"), metadata=me)

    await boards.UpdateLeaderboardSettings(pb.UpdateLeaderboardSettingsRequest(alias=""), metadata=me)

    assert (await boards.UpdateLeaderboardSettings(mine, metadata=another)).alias == "Zoë"


async def test_of_people_who_choose_a_name_at_the_same_time_one_gets_it(
    boards: Boards, tokens: TestTokens
) -> None:
    outcomes = await asyncio.gather(
        *(
            outcome(
                boards.UpdateLeaderboardSettings(
                    pb.UpdateLeaderboardSettingsRequest(alias=alias), metadata=tuple(tokens.bearer(user))
                )
            )
            for user, alias in enumerate(("Ana", "ana", "ANA", "\uff21na"), start=10)
        )
    )

    assert [each.reason for each in outcomes if isinstance(each, Refusal)] == ["ALIAS_TAKEN"] * 3


async def test_an_erased_person_is_on_no_board_and_chooses_no_name(
    boards: Boards,
    me: Metadata,
    tokens: TestTokens,
    channel: grpc.aio.Channel,
    internal: Metadata,
    apply: Apply,
    engine: Engine,
) -> None:
    day = date(2026, 2, 17)
    for user, seconds in ((1, 50), (2, 40), (3, 30)):
        apply(*history(user, [day], elapsed_seconds=seconds))
    named = pb.UpdateLeaderboardSettingsRequest(alias="Ana")
    await boards.UpdateLeaderboardSettings(named, metadata=me)
    CloseLeaderboards(SqlClosingStore(engine), lambda: NOW, timedelta(hours=12))()

    removed = await PersonalDataClient(channel, internal).erase(1)

    assert (removed["leaderboard_entry"], removed["leaderboard_settings"]) == (1, 1)
    for period, state in (
        ("day", leaderboard_pb2.LEADERBOARD_STATE_FINAL),
        ("week", leaderboard_pb2.LEADERBOARD_STATE_OPEN),
    ):
        request = board(period=period, start_date=day.isoformat())
        told = await boards.GetLeaderboard(request, metadata=tuple(tokens.bearer(2)))
        assert told.leaderboard.state == state
        assert [(each.rank, each.elapsed_seconds) for each in told.entries] == [(1, 40), (2, 30)]
    refused = await refusal(boards.UpdateLeaderboardSettings(named, metadata=me))
    assert refused.reason == "ACCOUNT_ERASED"
