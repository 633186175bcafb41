"""What the portal product's clients are answered."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from google.api.httpbody_pb2 import HttpBody
from google.protobuf.struct_pb2 import NullValue, Value
from practice.products.portal.v1 import portal_service_pb2 as pb2

from service_kit.grpc.product_shapes import rfc3339
from session_service.adapters.grpc.products.shapes import nullable
from session_service.application.complete_session import Results
from session_service.application.ports.readers import History, Report
from session_service.application.start_session import Started
from session_service.domain.answers import RecordedAnswer
from session_service.domain.items import SessionItem
from session_service.domain.practice_session import PracticeSession

_DIGITS = 4


def rate(right: int, answers: int) -> float:
    """Returns right answers over answers, 0 to 1, as precise as it is shown."""
    return round(right / answers, _DIGITS) if answers else 0.0


def started(outcome: Started) -> HttpBody:
    """Returns a session that has just begun, its settings with integers as they were sent."""
    session = outcome.session
    shown: dict[str, Any] = {
        "session_id": str(session.id),
        "start_time": rfc3339(session.started_at),
        "settings": session.settings,
    }
    if outcome.first_item:
        shown["first_item"] = _item(outcome.first_item)
    return HttpBody(content_type="application/json", data=json.dumps(shown, ensure_ascii=False).encode())


def progressed(
    recorded: RecordedAnswer, session: PracticeSession, next_item: SessionItem | None
) -> pb2.UpdateProgressResponse:
    """Returns how an answer was judged and how far the session is."""
    return pb2.UpdateProgressResponse(
        correct=recorded.correct,
        correct_answer=recorded.correct_answer,
        progress=pb2.Progress(
            completed=session.answered_item_count,
            remaining=session.item_count - session.answered_item_count,
            success_rate=rate(session.correct_answer_count, session.answer_count),
        ),
        next_item=_nullable_item(next_item),
    )


def completed(session: PracticeSession, results: Results) -> pb2.CompleteSessionResponse:
    """Returns the summary of a completed session and what it led to."""
    response = pb2.CompleteSessionResponse(
        session_summary=pb2.SessionSummary(
            duration=_duration(session),
            words_practiced=session.answered_item_count,
            correct_answers=session.correct_answer_count,
            success_rate=rate(session.correct_answer_count, session.answer_count),
            streaks=pb2.Streaks(current=results.streak.current, best=results.streak.best),
            statistics_pending=results.statistics_pending,
        ),
        achievements=[
            *(
                pb2.Achievement(type=a.type, name=a.title, description=a.description)
                for a in results.achievements
            ),
            *(pb2.Achievement(type="badge", name=b.title, description=b.description) for b in results.badges),
        ],
    )
    if results.missed_items:
        response.next_steps.add(
            type="practice",
            description="Review missed words",
            word_ids=[_word_id(item) for item in results.missed_items],
        )
    return response


def cancelled(session: PracticeSession) -> pb2.CancelSessionResponse:
    """Returns a session that was given up."""
    assert session.ended_at is not None
    return pb2.CancelSessionResponse(
        session_id=str(session.id), status=session.state.value, end_time=rfc3339(session.ended_at)
    )


def history(found: History) -> pb2.ListHistoryResponse:
    """Returns a part of the history."""
    return pb2.ListHistoryResponse(total=found.total, sessions=map(_history_session, found.sessions))


def details(session: PracticeSession, report: Report) -> pb2.GetSessionResponse:
    """Returns a session's details but for its duration, which goes on while it runs."""
    return pb2.GetSessionResponse(
        session_id=str(session.id),
        activity=pb2.ActivityDetails(
            id=_activity_id(session), name=session.content_title, type=session.content_type
        ),
        timing=pb2.Timing(
            start_time=rfc3339(session.started_at),
            end_time=nullable(rfc3339(session.ended_at) if session.ended_at else None),
        ),
        performance=pb2.Performance(
            words_practiced=session.answered_item_count,
            correct_answers=session.correct_answer_count,
            incorrect_answers=session.answer_count - session.correct_answer_count,
            success_rate=rate(session.correct_answer_count, session.answer_count),
            average_response_time=round(report.average_time_taken or 0.0, _DIGITS),
        ),
        progress=pb2.WordsProgress(
            mastered_words=_words(item for item in report.items if item.mastered),
            needs_practice=_words(item for item in report.items if not item.mastered),
        ),
    )


def _history_session(session: PracticeSession) -> pb2.HistorySession:
    assert session.ended_at is not None
    return pb2.HistorySession(
        id=str(session.id),
        activity=pb2.ActivitySummary(id=_activity_id(session), name=session.content_title),
        start_time=rfc3339(session.started_at),
        end_time=rfc3339(session.ended_at),
        success_rate=rate(session.correct_answer_count, session.answer_count),
        words_practiced=session.answered_item_count,
    )


def _words(items: Iterable[SessionItem]) -> list[pb2.WordProgress]:
    return [
        pb2.WordProgress(
            word=item.prompt,
            translation=item.correct_answer,
            attempts=item.attempt_count,
            success_rate=rate(item.correct_attempt_count, item.attempt_count),
        )
        for item in items
    ]


def _item(item: SessionItem) -> dict[str, Any]:
    return {"word": item.prompt, "type": "translation", "item_id": _word_id(item.item)}


def _nullable_item(item: SessionItem | None) -> Value:
    if item is None:
        return Value(null_value=NullValue.NULL_VALUE)
    value = Value()
    value.struct_value.update(_item(item))
    return value


def _word_id(item: str) -> str:
    return item.removeprefix("words/")


def _activity_id(session: PracticeSession) -> int:
    return int(session.content.removeprefix("activities/"))


def _duration(session: PracticeSession) -> int:
    assert session.ended_at is not None
    return session.duration_at(session.ended_at)
