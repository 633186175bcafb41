"""What a person practised when, over REST."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.end_to_end.documented import assert_like
from tests.end_to_end.focusing import practise
from tests.stack import Learner
from tests.waiting import eventually


def read(learner: Learner, path: str, seq: int) -> Any:
    """Returns an answer once the learner's event is counted."""
    joint = "&" if "?" in path else "?"

    def counted() -> Any:
        shown = learner.ok("GET", f"{path}{joint}min_user_seq={seq}")
        return None if shown["pending"] else shown

    return eventually(counted)


def test_a_year_its_weeks_and_its_hours_show_what_was_practised(learner: Learner) -> None:
    learner.client.headers["X-Time-Zone"] = "Asia/Tokyo"
    seq = practise(learner, 600)
    (session,) = learner.ok("GET", "/v1/sessions?product=focus")["sessions"]
    day = session["local_date"]

    year = read(learner, f"/v1/heatmap?year={day[:4]}&product=focus", seq)
    assert_like(
        [each for each in year["days"] if each["level"]],
        [
            {
                "date": day,
                "session_count": 1,
                "elapsed_seconds": "600",
                "level": 4,
                "keep_reason": "KEEP_REASON_UNSPECIFIED",
            }
        ],
        values=True,
    )
    assert year["current_streak"] == {"start_date": day, "last_date": day, "days": 1}
    assert (year["year"], year["product"], year["as_of_date"]) == (int(day[:4]), "focus", day)
    assert (year["days"][0]["date"], year["days"][-1]["date"]) == (f"{day[:4]}-01-01", f"{day[:4]}-12-31")

    weeks = read(learner, f"/v1/summaries?period=week&to_date={day}", seq)
    week = weeks["summaries"][-1]
    assert week["start_date"] <= day <= week["end_date"]
    assert_like(
        week,
        {
            "start_date": week["start_date"],
            "end_date": week["end_date"],
            "session_count": 1,
            "elapsed_seconds": "600",
            "answer_count": 0,
            "correct_answer_count": 0,
            "day_count": 1,
            "change": {"session_count": 1, "elapsed_seconds": "600", "day_count": 1},
            "best_day": {"date": day, "session_count": 1, "elapsed_seconds": "600"},
            "products": [
                {
                    "product": "focus",
                    "session_count": 1,
                    "elapsed_seconds": "600",
                    "answer_count": 0,
                    "correct_answer_count": 0,
                }
            ],
        },
        values=True,
    )
    first = read(learner, "/v1/summaries?period=month&page_size=5", seq)
    second = read(
        learner, f"/v1/summaries?period=month&page_size=5&page_token={first['next_page_token']}", seq
    )
    starts = [each["start_date"] for each in first["summaries"] + second["summaries"]]
    assert (len(set(starts)), first["total_size"], starts) == (10, 12, sorted(starts))

    hours = read(learner, "/v1/bestHours?product=focus", seq)
    ended = datetime.fromisoformat(session["end_time"]).astimezone(UTC)
    hour = (ended.hour + 9) % 24
    assert hours["best_hours"] == [hour]
    assert hours["hours"][hour]["elapsed_seconds"] == "600"
    assert hours["hours"][hour].get("accuracy") is None
    weekday = datetime.fromisoformat(day).weekday()
    assert hours["weekdays"][weekday]["hours"][hour]["session_count"] == 1


def test_who_has_not_practised_gets_zeros_and_too_much_is_refused(learner: Learner) -> None:
    year = learner.ok("GET", "/v1/heatmap?year=2028")
    assert len(year["days"]) == 366
    assert not any(each["level"] or each["keep_reason"] != "KEEP_REASON_UNSPECIFIED" for each in year["days"])
    assert year.get("current_streak") is None
    months = learner.ok("GET", "/v1/summaries?period=month")["summaries"]
    assert [each["session_count"] for each in months] == [0] * 12
    assert learner.ok("GET", "/v1/bestHours")["best_hours"] == []
    for path in (
        "heatmap?year=10000",
        "summaries?period=day",
        "summaries?period=week&from_date=1990-01-01",
        "bestHours?from_date=2020-01-01",
        "bestHours?product=Chess",
    ):
        assert learner.send("GET", f"/v1/{path}").status_code == 400, path
