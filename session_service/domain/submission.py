"""A piece of work handed in for evaluation and everything that may happen to it.

A value like a session: each method returns the submission as it is afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace
from datetime import datetime
from typing import Any

from session_service.domain.errors import EtagMismatchError, FeedbackTooLargeError
from session_service.domain.messages import Message, add_line, weigh

IN_PROGRESS = "in-progress"
COMPLETED = "completed"

MAX_FEEDBACK_BYTES = 512 * 1024
# What its owner may change.
CHANGEABLE = frozenset({"document", "score", "elapsed_seconds", "status", "feedback"})


@dataclass(frozen=True, slots=True)
class Feedback:
    """What an evaluation said. Raises FeedbackTooLargeError over 512 KiB of JSON."""

    strengths: tuple[str, ...] = ()
    improvements: tuple[str, ...] = ()
    missing_components: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(json.dumps(astuple(self), ensure_ascii=False).encode()) > MAX_FEEDBACK_BYTES:
            raise FeedbackTooLargeError(MAX_FEEDBACK_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """Work by one learner on one piece of content.

    `document` is JSON text as it was sent; `score` 0 to 100; `session_id` is
    the session it came from, None for one made by hand. In a list the
    document is empty and the conversation left out.
    """

    id: int = 0
    user_id: int
    content: str
    content_created_at: datetime | None
    session_id: int | None = None
    document: str
    score: int = 0
    elapsed_seconds: int = 0
    status: str = IN_PROGRESS
    feedback: Feedback = field(default_factory=Feedback)
    messages: tuple[Message, ...] = ()
    submitted_at: datetime
    updated_at: datetime
    version: int = 1

    @property
    def etag(self) -> str:
        """What a caller sends back to change only what they read."""
        return f'"{self.version}"'

    def expect(self, etag: str) -> None:
        """Raises EtagMismatchError unless the etag is empty or this version's."""
        if etag and etag != self.etag:
            raise EtagMismatchError(self.etag)

    def change(self, changes: Mapping[str, Any], *, etag: str = "", now: datetime) -> Submission:
        """Returns the submission with new values of CHANGEABLE fields; itself when there are none.

        Of the feedback those lists change that are given. Raises
        EtagMismatchError when the etag is of another version, unless this one
        says all of it already: such a change was made, and its answer lost.
        """
        assert changes.keys() <= CHANGEABLE
        values = dict(changes)
        if isinstance(values.get("feedback"), Mapping):
            values["feedback"] = replace(self.feedback, **values["feedback"])
        changed = replace(self, **values)
        if not changes or changed != self:
            self.expect(etag)
        elif etag and etag != self.etag:
            return self
        return changed._changed(now) if changes else self

    def add_message(self, role: str, content: str, *, now: datetime) -> Submission:
        """Returns the submission with one more line of conversation. Raises ConversationFullError."""
        add_line(sum(weigh(said.content) for said in self.messages), content)
        line = Message(len(self.messages) + 1, role, content, now)
        return replace(self, messages=(*self.messages, line))._changed(now)

    def _changed(self, now: datetime) -> Submission:
        return replace(self, version=self.version + 1, updated_at=now)
