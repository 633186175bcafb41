"""Activities, sequences and achievements: what authors write, apart from single items."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from catalog_service.domain.items import Word


@dataclass(frozen=True, slots=True)
class Content:
    """What other contexts need to know of an activity, a sequence or a problem."""

    title: str
    type: str = ""
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Activity:
    """A set of words practised together."""

    activity_id: int
    title: str
    type: str
    language: str
    translation_language: str


@dataclass(frozen=True, slots=True)
class CountedActivity:
    """An activity and how many words it has."""

    activity: Activity
    word_count: int


@dataclass(frozen=True, slots=True)
class ActivityContent:
    """An activity with its words in their author's order."""

    activity: Activity
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Pose:
    """One posture of a sequence."""

    title: str
    sanskrit_title: str
    duration_seconds: int
    cue: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """A series of yoga poses."""

    sequence_id: int
    title: str
    description: str
    difficulty: str
    poses: tuple[Pose, ...]

    @property
    def duration_seconds(self) -> int:
        """The poses' durations added up."""
        return sum(pose.duration_seconds for pose in self.poses)


@dataclass(frozen=True, slots=True)
class Achievement:
    """Something a single session can achieve when `metric` reaches `threshold`."""

    achievement_id: str
    product: str
    type: str
    title: str
    description: str
    metric: str
    threshold: float
