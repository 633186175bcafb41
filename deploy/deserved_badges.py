"""Computes the badges that a learner's sessions of one day deserve, without the statistics service.

Every condition is asked of CEL after every session, over sums that are made
here; the demo compares the answer with what the platform awarded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import cel
import yaml

from service_kit.time_zones import time_zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A session that counts. `seconds` is the time that counts; `end` is the learner's wall clock."""

    product: str
    seconds: int
    end: datetime
    answers: int = 0
    correct_answers: int = 0
    mode: str = ""
    content: str = ""

    @classmethod
    def from_session(cls, session: Mapping[str, Any]) -> Ended:
        """Returns what a completed session of the canonical API tells; implausible time is what passed."""
        start, end = (datetime.fromisoformat(session[name]) for name in ("start_time", "end_time"))
        told = int(session["elapsed"].removesuffix("s"))
        return cls(
            product=session["product"],
            seconds=min(told, (end - start) // timedelta(seconds=1)) if session["implausible"] else told,
            end=end.astimezone(time_zone(session["time_zone"])),
            answers=session["answer_count"],
            correct_answers=session["correct_answer_count"],
            mode=session["mode"],
            content=session["content"],
        )


def deserved_badges(content: Path, ended: Sequence[Ended]) -> list[str]:
    """Returns the ids of the shipped badges that sessions of one day deserve, in the order of their ends."""
    definitions = yaml.safe_load((content / "badges.yaml").read_text(encoding="utf-8"))
    rows = yaml.safe_load((content / "products.yaml").read_text(encoding="utf-8"))
    products = [row["product"] for row in rows]
    return sorted(
        badge["id"]
        for badge in definitions
        if badge.get("state", "active") == "active"
        and any(
            cel.evaluate(badge["condition"], moment) is True
            for moment in _moments(_within(badge, ended), products)
        )
    )


def _within(badge: Mapping[str, Any], ended: Sequence[Ended]) -> Sequence[Ended]:
    first, last = badge.get("first_day", date.min), badge.get("last_day", date.max)
    return [each for each in ended if first <= each.end.date() <= last]


def _moments(ended: Sequence[Ended], products: Sequence[str]) -> Iterator[dict[str, dict[str, Any]]]:
    """Yields what the variables are at the end of each session."""
    for place, latest in enumerate(ended, start=1):
        until = ended[:place]
        sums = {product: _sums([each for each in until if each.product == product]) for product in products}
        yield {"total": _sums(until), **sums, "session": _session(latest)}


def _sums(ended: Sequence[Ended]) -> dict[str, int]:
    seconds = sum(each.seconds for each in ended)
    return {
        "sessions": len(ended),
        "seconds": seconds,
        "minutes": seconds // 60,
        "days": min(len(ended), 1),
        "answers": sum(each.answers for each in ended),
        "correct_answers": sum(each.correct_answers for each in ended),
        "best_streak": min(len(ended), 1),
    }


def _session(ended: Ended) -> dict[str, Any]:
    return {
        "product": ended.product,
        "outcome": "completed",
        "mode": ended.mode,
        "content": ended.content,
        "seconds": ended.seconds,
        "minutes": ended.seconds // 60,
        "answers": ended.answers,
        "correct_answers": ended.correct_answers,
        "accuracy": ended.correct_answers * 100 // max(ended.answers, 1),
        "hour": ended.end.hour,
        "weekday": ended.end.weekday(),
    }
