"""How sessions that were practised offline get on record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from service_kit.errors import ServiceError
from service_kit.time_zones import known_time_zone
from session_service.application.offline_guide import Guide
from session_service.application.ports.synced_items import EndedSession, SyncedItem
from session_service.application.ports.unit_of_work import UnitOfWork
from session_service.application.sync_results import ItemResult, on_record, refused_for
from session_service.domain.answers import RecordedAnswer, SubmittedAnswer, count_answers, judge
from session_service.domain.days import Calendar, RolloverTurn, rollover_hour_at
from session_service.domain.errors import ContentNotFoundError, OfflineItemInvalidError
from session_service.domain.events import SessionEnded
from session_service.domain.items import SessionItem
from session_service.domain.offline import (
    OfflineAnswer,
    OfflineSession,
    RefusedAnswer,
    Window,
    begin,
    digest_of,
    finish,
)
from session_service.domain.policies import Policy
from session_service.domain.practice_session import PracticeSession


async def merge_sessions(
    work: UnitOfWork, sessions: Sequence[OfflineSession], *, user_id: int, guide: Guide
) -> list[ItemResult]:
    """Merges sessions, no two of the same id, each of them an end like any other.

    The user's row is locked first: one user's merges follow one another, so
    of two devices that send the same at once the second one finds it known.
    """
    learner = await work.learners.lock(user_id)
    turns = await work.learners.rollover_turns(user_id)
    known = dict(await work.synced.known(user_id, [session.client_id for session in sessions]))
    merged: dict[str, _Prepared] = {}
    refusals: dict[str, ItemResult] = {}
    for offline in sessions:
        if offline.client_id in known:
            continue
        user_seq = learner.last_seq + len(merged) + 1
        try:
            merged[offline.client_id] = _prepare(offline, user_id, turns, guide, user_seq)
        except ServiceError as error:
            refusals[offline.client_id] = refused_for(offline.client_id, error)
    known.update(await _store(work, user_id, merged.values()))
    return [
        refusals.get(offline.client_id)
        or on_record(offline, known[offline.client_id], merged=offline.client_id in merged)
        for offline in sessions
    ]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A session as it goes on record."""

    offline: OfflineSession
    ended: EndedSession
    refused: tuple[RefusedAnswer, ...]


async def _store(work: UnitOfWork, user_id: int, merged: Iterable[_Prepared]) -> dict[str, SyncedItem]:
    """Stores sessions, their places in the user's sequence and their events, as the end of a session does."""
    prepared = list(merged)
    if not prepared:
        return {}
    stored = await work.synced.add_sessions([each.ended for each in prepared])
    entries = [
        SyncedItem(each.offline.client_id, digest_of(each.offline), session.id, each.refused)
        for each, session in zip(prepared, stored, strict=True)
    ]
    await work.synced.add(user_id, entries)
    await work.learners.take_seqs(user_id, len(stored))
    await work.outbox.add(*map(SessionEnded.of, stored))
    return {entry.client_id: entry for entry in entries}


def _prepare(
    offline: OfflineSession, user_id: int, turns: Sequence[RolloverTurn], guide: Guide, user_seq: int
) -> _Prepared:
    """Returns a session as it goes on record. Raises what it is refused for."""
    # The zone is the device's. The hour at which the person's days turn is the
    # one of that time: whenever a session arrives, it is on the same day.
    rollover_hour = rollover_hour_at(offline.ended_at, turns)
    calendar = Calendar(known_time_zone(offline.time_zone), rollover_hour)
    session = begin(offline, user_id=user_id, calendar=calendar, window=guide.window)
    session = _with_content(session, guide)
    answers, refused = _graded(offline.answers, guide, session.policy)
    picked = _picked(answers, guide.prompts.get(offline.content, {})) if session.policy.picks_items else {}
    session = replace(session, item_count=len(picked))
    answered = [session, *count_answers(session, answers, picked, offline.ended_at)][-1]
    ended = finish(answered, offline, user_seq=user_seq, calendar=calendar, now=guide.now)
    return _Prepared(offline, EndedSession(ended, answers, list(picked.values())), refused)


def _with_content(session: PracticeSession, guide: Guide) -> PracticeSession:
    if not session.content:
        return session
    known = guide.contents.get(session.content)
    if known is None:
        raise ContentNotFoundError(session.content)
    return replace(
        session,
        content_title=known.title,
        content_type=known.type,
        content_created_at=known.created_at,
    )


def _graded(
    answers: Sequence[OfflineAnswer | RefusedAnswer], guide: Guide, policy: Policy
) -> tuple[list[RecordedAnswer], tuple[RefusedAnswer, ...]]:
    """Returns the answers that go on record, and those that do not: they keep no session from it."""
    recorded: dict[str, RecordedAnswer] = {}
    refused: list[RefusedAnswer] = []
    for answer in answers:
        if isinstance(answer, RefusedAnswer):
            refused.append(answer)
            continue
        reason = _find_flaw(answer, guide.window)
        if not reason:
            result = judge(to_submitted(answer), recorded, guide.keys, policy)
            if result.recorded is not None:
                recorded[answer.answer_id] = result.recorded
            reason = result.refusal.reason if result.refusal else ""
        if reason:
            refused.append(RefusedAnswer.of(answer.answer_id, reason))
    return list(recorded.values()), tuple(refused)


def _find_flaw(answer: OfflineAnswer, window: Window) -> str:
    """Returns the reason why an answer cannot be of its session, empty when it can."""
    if answer.session_id is not None:
        return OfflineItemInvalidError.reason
    try:
        window.check_id("answer_id", answer.answer_id)
        window.check("answer_time", answer.answered_at)
    except ServiceError as error:
        return error.reason
    return ""


def to_submitted(answer: OfflineAnswer) -> SubmittedAnswer:
    """Returns an answer as it is judged."""
    return SubmittedAnswer(answer.item, answer.text, answer.answer_id, answer.time_taken, answer.answered_at)


def _picked(answers: Iterable[RecordedAnswer], prompts: Mapping[str, str]) -> dict[str, SessionItem]:
    """Returns the items answered, in the order first answered, as they are before any answer.

    What was withdrawn meanwhile has no prompt any more and counts all the same.
    """
    items = dict.fromkeys(answer.item for answer in answers)
    return {
        item: SessionItem(position, item, prompts.get(item, "")) for position, item in enumerate(items, 1)
    }
