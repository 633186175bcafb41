"""Who practised most, over REST. Others practise on the same stack: places are told by the whole board."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.canonical_errors import error_of
from tests.end_to_end.documented import assert_like, assert_time
from tests.end_to_end.focusing import practise
from tests.stack import Learner, MakeLearner
from tests.waiting import eventually

SESSIONS = "/focus/api/v1/sessions"


def board(learner: Learner, path: str) -> Any:
    """Returns a page once the event that its path names is counted."""

    def counted() -> Any:
        shown = learner.ok("GET", f"/v1/leaderboards/{path}", **{"X-Time-Zone": "UTC"})
        return None if shown["pending"] else shown

    return eventually(counted)


def whole(learner: Learner, path: str) -> list[Any]:
    entries, token = [], ""
    while True:
        page = board(learner, f"{path}?page_size=100&page_token={token}")
        entries += page["entries"]
        token = page["next_page_token"]
        if not token:
            return entries


def test_people_are_ranked_by_the_time_they_practised(make_learner: MakeLearner) -> None:
    ana, bea = make_learner(), make_learner("Bea")
    practise(ana, 300)
    seqs = {ana: practise(ana, 120), bea: practise(bea, 240)}
    shown = {
        learner: board(learner, f"focus/month?page_size=1&min_user_seq={seq}")
        for learner, seq in seqs.items()
    }
    today = datetime.now(UTC).date()
    described = shown[ana]["leaderboard"]
    assert_like(
        described,
        {
            "name": f"leaderboards/focus/month/{today.replace(day=1).isoformat()}",
            "product": "focus",
            "period": "month",
            "start_date": today.replace(day=1).isoformat(),
            "end_date": described["end_date"],
            "state": "LEADERBOARD_STATE_OPEN",
            "closes_time": described["closes_time"],
        },
        values=True,
    )
    assert_time(described["closes_time"], "seconds")
    own = {learner: page["own_entry"] for learner, page in shown.items()}
    assert [(each["elapsed_seconds"], each["session_count"]) for each in own.values()] == [
        ("420", 2),
        ("240", 1),
    ]
    assert own[ana]["rank"] < own[bea]["rank"]
    assert all(each["alias"].startswith("Learner ") and each["own"] for each in own.values())

    entries = whole(ana, f"all/month/{today.isoformat()}")
    seconds = [int(each["elapsed_seconds"]) for each in entries]
    assert seconds == sorted(seconds, reverse=True)
    assert [each["rank"] for each in entries] == [
        1 + sum(more > each for more in seconds) for each in seconds
    ]
    assert [each["elapsed_seconds"] for each in entries if each["own"]] == ["420"]


def test_a_name_is_chosen_and_who_opts_out_is_on_no_board(make_learner: MakeLearner) -> None:
    learner, other = make_learner(), make_learner("Bea")
    seq = practise(learner, 60)
    name = f"Zoë {uuid.uuid4().hex[:8]}"
    key = {"Idempotency-Key": uuid.uuid4().hex}
    before = learner.ok("GET", "/v1/leaderboardSettings")
    assert_like(before, {"alias": before["alias"], "opted_out": False}, values=True)
    renamed = learner.ok("PATCH", "/v1/leaderboardSettings", {"alias": name}, **key)
    assert renamed == {"alias": name, "opted_out": False}
    assert board(learner, f"focus/week?min_user_seq={seq}")["own_entry"]["alias"] == name
    assert name in [each["alias"] for each in whole(other, "focus/week")]

    learner.ok("PATCH", "/v1/leaderboardSettings", {"opted_out": True})
    assert learner.ok("PATCH", "/v1/leaderboardSettings", {"alias": name}, **key) == renamed
    assert learner.ok("GET", "/v1/leaderboardSettings") == {"alias": name, "opted_out": True}
    assert board(learner, "focus/week").get("own_entry") is None
    assert name not in [each["alias"] for each in whole(other, "focus/week")]
    assert learner.send("PATCH", "/v1/leaderboardSettings", {"alias": "A\nB"}).status_code == 400


def test_boards_of_the_past_become_final_by_themselves_and_those_of_the_future_are_refused(
    learner: Learner,
) -> None:
    today = datetime.now(UTC).date()
    path = f"yoga/day/{(today - timedelta(days=4)).isoformat()}"
    eventually(lambda: board(learner, path)["leaderboard"]["state"] == "LEADERBOARD_STATE_FINAL")
    ahead: date = today + timedelta(days=3)
    refused = learner.send("GET", f"/v1/leaderboards/all/day/{ahead.isoformat()}")
    assert refused.status_code == 400
    assert error_of(refused)["details"][0]["metadata"]["field"] == "start_date"
    for path in ("Chess/day", "all/year", "all/day/yesterday"):
        assert learner.send("GET", f"/v1/leaderboards/{path}").status_code == 400
