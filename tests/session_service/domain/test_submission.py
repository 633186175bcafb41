"""A submission's own rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from session_service.domain.errors import EtagMismatchError
from session_service.domain.submission import Feedback, Submission

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def submission() -> Submission:
    return Submission(
        user_id=5,
        content="problems/7",
        content_created_at=NOW,
        document="{}",
        submitted_at=NOW,
        updated_at=NOW,
    )


def test_one_made_by_hand_is_in_progress_and_not_judged(submission: Submission) -> None:
    assert (submission.status, submission.score, submission.feedback) == ("in-progress", 0, Feedback())
    assert (submission.session_id, submission.messages, submission.version) == (None, (), 1)


def test_a_change_makes_a_new_version_and_keeps_the_rest(submission: Submission) -> None:
    changed = submission.change({"score": 90}, now=LATER)
    assert (changed.score, changed.version, changed.updated_at) == (90, 2, LATER)
    assert (changed.submitted_at, changed.document, changed.status) == (NOW, "{}", "in-progress")
    assert submission.score == 0


def test_no_change_makes_no_version(submission: Submission) -> None:
    assert submission.change({}, now=LATER) is submission


def test_a_change_that_was_made_already_is_made_whichever_version_it_names(submission: Submission) -> None:
    changed = submission.change({"score": 90}, etag=submission.etag, now=LATER)
    assert changed.change({"score": 90}, etag=submission.etag, now=LATER) is changed
    with pytest.raises(EtagMismatchError):
        changed.change({"score": 91}, etag=submission.etag, now=LATER)


def test_of_the_feedback_the_lists_change_that_are_given(submission: Submission) -> None:
    told = submission.change({"feedback": Feedback(("a",), ("b",), ("c",))}, now=NOW)
    changed = told.change({"feedback": {"strengths": (), "improvements": ("d",)}}, now=LATER)
    assert changed.feedback == Feedback((), ("d",), ("c",))


def test_lines_are_numbered_in_their_order(submission: Submission) -> None:
    told = submission.add_message("user", "Why?", now=NOW).add_message("assistant", "Because.", now=LATER)
    assert [(line.position, line.role, line.created_at) for line in told.messages] == [
        (1, "user", NOW),
        (2, "assistant", LATER),
    ]
    assert told.version == 3


def test_an_etag_is_of_one_version(submission: Submission) -> None:
    submission.expect("")
    submission.expect(submission.etag)
    with pytest.raises(EtagMismatchError):
        submission.change({"score": 1}, now=LATER).expect(submission.etag)
