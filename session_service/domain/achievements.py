"""What a single session can achieve by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from session_service.domain.practice_session import PracticeSession


@dataclass(frozen=True, slots=True)
class Achievement:
    """Something that a session achieves when `metric` reaches `threshold`."""

    achievement_id: str
    type: str
    title: str
    description: str
    metric: str
    threshold: float


_METRICS: Mapping[str, Callable[[PracticeSession], float]] = {
    "success_rate": lambda session: session.success_rate,
    "answered_items": lambda session: session.answered_item_count,
    "mastered_items": lambda session: session.mastered_item_count,
}


def find_achieved(session: PracticeSession, definitions: Iterable[Achievement]) -> list[Achievement]:
    """Returns the achievements that a session reached, in the order given.

    Definitions are data and may be newer than this program: a metric that is
    not known here is reached by no session.
    """
    return [
        each
        for each in definitions
        if (metric := _METRICS.get(each.metric)) is not None and metric(session) >= each.threshold
    ]
