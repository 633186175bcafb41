"""Answers: as they arrive, as they are judged, and what a session is after them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from service_kit.errors import ServiceError
from session_service.domain.errors import AnswerIdReusedError, AnswerInvalidError, ItemNotFoundError, Refusal
from session_service.domain.grading import AnswerKey, grade
from session_service.domain.items import SessionItem
from session_service.domain.policies import Policy
from session_service.domain.practice_session import PracticeSession

_LONGEST_TEXT = 1_000
_LONGEST_ID = 128


@dataclass(frozen=True, slots=True)
class SubmittedAnswer:
    """An answer as it arrives. `time_taken` is in seconds; `answered_at` is None when it is now."""

    item: str
    text: str
    answer_id: str = ""
    time_taken: float | None = None
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """An answer as it is on record. `time_taken` is in seconds.

    `answered_at` is there where an answer is recorded later than it was given.
    """

    answer_id: str
    item: str
    text: str
    time_taken: float | None
    correct: bool
    correct_answer: str
    feedback: str
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AnswerResult:
    """What became of one answer: it is on record, or it was refused."""

    answer_id: str
    item: str
    recorded: RecordedAnswer | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """What answers make of a session: a result for each, the new ones, and a version after each of these.

    `items` are the picked items that were answered, as they went.
    """

    results: list[AnswerResult]
    fresh: list[RecordedAnswer]
    versions: list[PracticeSession]
    items: dict[str, SessionItem]


def judge(
    answer: SubmittedAnswer,
    known: Mapping[str, RecordedAnswer],
    keys: Mapping[str, AnswerKey],
    policy: Policy,
) -> AnswerResult:
    """Returns the result of one answer: as it was, graded now, or refused."""
    flaw = find_flaw(answer)
    if flaw is not None:
        return _refuse(answer, flaw)
    earlier = known.get(answer.answer_id)
    if earlier is not None:
        if (earlier.item, earlier.text) != (answer.item, answer.text):
            return _refuse(answer, AnswerIdReusedError(answer.answer_id))
        return AnswerResult(answer.answer_id, answer.item, recorded=earlier)
    key = keys.get(answer.item)
    if key is None or answer.item.partition("/")[0] != policy.items:
        return _refuse(answer, ItemNotFoundError(answer.item))
    grading = grade(key, answer.text)
    recorded = RecordedAnswer(
        answer_id=answer.answer_id,
        item=answer.item,
        text=answer.text,
        time_taken=answer.time_taken,
        correct=grading.correct,
        correct_answer=grading.correct_answer,
        feedback=grading.feedback,
        answered_at=answer.answered_at,
    )
    return AnswerResult(answer.answer_id, answer.item, recorded=recorded)


def find_flaw(answer: SubmittedAnswer) -> AnswerInvalidError | None:
    """Returns why an answer cannot be stored, whatever it answers."""
    if len(answer.answer_id) > _LONGEST_ID or "\0" in answer.answer_id:
        return AnswerInvalidError(
            "answer_id", f"An answer id has at most {_LONGEST_ID} characters, no U+0000"
        )
    if len(answer.text) > _LONGEST_TEXT or "\0" in answer.text:
        return AnswerInvalidError("text", f"An answer has at most {_LONGEST_TEXT} characters, no U+0000")
    # However long: a page may stay open for days. NaN is not 0 or more.
    if answer.time_taken is not None and not 0 <= answer.time_taken < math.inf:
        return AnswerInvalidError("time_taken", "An answer takes 0 seconds or more")
    return None


def record(
    session: PracticeSession,
    answers: Sequence[SubmittedAnswer],
    *,
    keys: Mapping[str, AnswerKey],
    known: Mapping[str, RecordedAnswer],
    picked: Mapping[str, SessionItem],
    now: datetime,
) -> Recording:
    """Judges answers, each with an id, and counts those that are new.

    `known` are answers on record by their ids, `picked` the session's picked
    items by name. Raises SessionEndedError when an answer is new after the end.
    """
    if any(answer.answer_id not in known for answer in answers):
        session.must_be_open()
    on_record, went = dict(known), dict(picked)
    if session.policy.picks_items:
        keys = {item: key for item, key in keys.items() if item in went}
    results: list[AnswerResult] = []
    fresh: list[RecordedAnswer] = []
    for answer in answers:
        result = judge(answer, on_record, keys, session.policy)
        results.append(result)
        if result.recorded is not None and answer.answer_id not in on_record:
            on_record[answer.answer_id] = result.recorded
            fresh.append(result.recorded)
    versions = count_answers(session, fresh, went, now)
    return Recording(
        results, fresh, versions, {each.item: went[each.item] for each in fresh if each.item in went}
    )


def count_answers(
    session: PracticeSession,
    answers: Sequence[RecordedAnswer],
    picked: dict[str, SessionItem],
    now: datetime,
) -> list[PracticeSession]:
    """Returns the session after each answer, and brings the picked items up to date."""
    versions: list[PracticeSession] = []
    for answer in answers:
        before = picked.get(answer.item)
        session = session.record_answer(correct=answer.correct, before=before, now=now)
        versions.append(session)
        if before is not None:
            picked[answer.item] = before.record_answer(
                correct=answer.correct, correct_answer=answer.correct_answer
            )
    return versions


def _refuse(answer: SubmittedAnswer, error: ServiceError) -> AnswerResult:
    return AnswerResult(answer.answer_id, answer.item, refusal=Refusal.of(error))
