"""Puts what was made offline on record: sessions as ends like any other, answers in their sessions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from service_kit.errors import ServiceError
from service_kit.time_zones import known_time_zone
from session_service.application.ports.sessions import SessionRef
from session_service.application.submit_answers import record_answers
from session_service.domain.answers import RecordedAnswer, SubmittedAnswer, count_answers, judge
from session_service.domain.days import Calendar, RolloverTurn, rollover_hour_at
from session_service.domain.errors import ContentNotFoundError, SessionNotFoundError
from session_service.domain.events import SessionEnded
from session_service.domain.items import SessionItem
from session_service.domain.policies import Policy
from session_service.domain.practice_session import PracticeSession
from session_service.offline.domain import (
    ItemResult,
    OfflineAnswer,
    OfflineItemInvalidError,
    OfflineSession,
    RefusedAnswer,
    SyncedItem,
    Window,
    begin,
    digest_of,
    finish,
    recognise,
    refuse,
    refuse_for,
)
from session_service.offline.guide import Guide
from session_service.offline.ports import EndedSession, OfflineUnitOfWork


async def merge_sessions(
    work: OfflineUnitOfWork, sessions: Sequence[OfflineSession], *, user_id: int, guide: Guide
) -> list[ItemResult]:
    """Merges sessions, no two of the same id, each of them an end like any other.

    The user's row is locked first: one user's merges follow one another, so
    of two devices that send the same at once the second one finds it known.
    """
    learner = await work.learners.lock(user_id)
    turns = await work.learners.rollover_turns(user_id)
    known = dict(await work.synced.find(user_id, [session.client_id for session in sessions]))
    merged: dict[str, _Prepared] = {}
    refusals: dict[str, ItemResult] = {}
    for offline in sessions:
        if offline.client_id in known:
            continue
        user_seq = learner.last_seq + len(merged) + 1
        try:
            merged[offline.client_id] = _prepare(offline, user_id, turns, guide, user_seq)
        except ServiceError as error:
            refusals[offline.client_id] = refuse_for(offline.client_id, error)
    known.update(await _store(work, user_id, merged.values()))
    return [
        refusals.get(offline.client_id)
        or recognise(offline, known[offline.client_id], merged=offline.client_id in merged)
        for offline in sessions
    ]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A session as it goes on record."""

    offline: OfflineSession
    ended: EndedSession
    refused: tuple[RefusedAnswer, ...]


async def _store(work: OfflineUnitOfWork, user_id: int, merged: Iterable[_Prepared]) -> dict[str, SyncedItem]:
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
    # The zone is the device's. The hour at which the user's days turn is the
    # one of that time: whenever a session arrives, it is on the same day.
    rollover_hour = rollover_hour_at(offline.ended_at, turns)
    calendar = Calendar(known_time_zone(offline.time_zone), rollover_hour)
    session = begin(
        offline, guide.products.get(offline.product), user_id=user_id, calendar=calendar, window=guide.window
    )
    session = _add_content(session, guide)
    answers, refused = _grade(offline.answers, guide, session.policy)
    picked = _pick(answers, guide.prompts.get(offline.content, {})) if session.policy.picks_items else {}
    if picked:
        session = session.with_values(item_count=len(picked))
    answered = [session, *count_answers(session, answers, picked, offline.ended_at)][-1]
    ended = finish(answered, offline, user_seq=user_seq, calendar=calendar, now=guide.now)
    return _Prepared(offline, EndedSession(ended, answers, list(picked.values())), refused)


def _add_content(session: PracticeSession, guide: Guide) -> PracticeSession:
    if not session.content:
        return session
    known = guide.contents.get(session.content)
    if known is None:
        raise ContentNotFoundError(session.content)
    return session.with_values(
        content_title=known.title,
        content_type=known.type,
        content_created_at=known.created_at,
    )


def _grade(
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
            result = judge(_as_submitted(answer), recorded, guide.keys, policy)
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


def _as_submitted(answer: OfflineAnswer) -> SubmittedAnswer:
    """Returns an answer as it is judged."""
    return SubmittedAnswer(answer.item, answer.text, answer.answer_id, answer.time_taken, answer.answered_at)


def _pick(answers: Iterable[RecordedAnswer], prompts: Mapping[str, str]) -> dict[str, SessionItem]:
    """Returns the items answered, in the order first answered, as they are before any answer.

    What was withdrawn meanwhile has no prompt any more and counts all the same.
    """
    items = dict.fromkeys(answer.item for answer in answers)
    return {
        item: SessionItem(position, item, prompts.get(item, "")) for position, item in enumerate(items, 1)
    }


async def merge_answers(
    work: OfflineUnitOfWork, answers: Sequence[OfflineAnswer], *, user_id: int, session_id: int, guide: Guide
) -> list[ItemResult]:
    """Merges answers, no two of the same id, into one session.

    An answer that got there before, online or offline, is known, even after
    the session's end; a new one is refused then: what an end counted stays.
    """
    try:
        session = await work.sessions.lock(user_id, SessionRef(session_id))
    except SessionNotFoundError as error:
        return [refuse_for(answer.client_id, error) for answer in answers]
    # After the session's row, as everywhere: one user's merges follow one another.
    await work.learners.lock(user_id)
    ids = [answer.client_id for answer in answers]
    known = dict(await work.synced.find(user_id, ids))
    sent_before = await work.sessions.answers(session, ids)
    chosen: list[OfflineAnswer] = []
    refusals: dict[str, ItemResult] = {}
    for answer in answers:
        if answer.client_id in known:
            continue
        try:
            if answer.client_id not in sent_before:
                session.must_be_open()
                guide.window.check_id("answer_id", answer.answer_id)
                guide.window.check("answer_time", answer.answered_at)
            chosen.append(answer)
        except ServiceError as error:
            refusals[answer.client_id] = refuse_for(answer.client_id, error)
    answered = await record_answers(
        work, session, [*map(_as_submitted, chosen)], guide.keys, lambda: guide.now
    )
    fresh: list[SyncedItem] = []
    for answer, result in zip(chosen, answered.results, strict=True):
        if result.refusal is not None:
            refusals[answer.client_id] = refuse(answer.client_id, result.refusal)
        else:
            fresh.append(SyncedItem(answer.client_id, digest_of(answer), session_id))
    await work.synced.add(user_id, fresh)
    known.update((entry.client_id, entry) for entry in fresh)
    merged = {entry.client_id for entry in fresh} - sent_before.keys()
    return [
        refusals.get(answer.client_id)
        or recognise(answer, known[answer.client_id], merged=answer.client_id in merged)
        for answer in answers
    ]
