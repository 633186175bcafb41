"""How answers given offline get on record in a session that was started online."""

from __future__ import annotations

from collections.abc import Sequence

from service_kit.errors import ServiceError
from session_service.application.merging_sessions import to_submitted
from session_service.application.offline_guide import Guide
from session_service.application.ports.sessions import SessionRef
from session_service.application.ports.synced_items import SyncedItem
from session_service.application.ports.unit_of_work import UnitOfWork
from session_service.application.submit_answers import record_answers
from session_service.application.sync_results import ItemResult, on_record, refused, refused_for
from session_service.domain.errors import SessionNotFoundError
from session_service.domain.offline import OfflineAnswer, digest_of


async def merge_answers(
    work: UnitOfWork, answers: Sequence[OfflineAnswer], *, user_id: int, session_id: int, guide: Guide
) -> list[ItemResult]:
    """Merges answers, no two of the same id, into one session.

    An answer that got there before, online or offline, is known, even after
    the session's end; a new one is refused then: what an end counted stays.
    """
    try:
        session = await work.sessions.lock(user_id, SessionRef(session_id))
    except SessionNotFoundError as error:
        return [refused_for(answer.client_id, error) for answer in answers]
    # After the session's row, as everywhere: one user's merges follow one another.
    await work.learners.lock(user_id)
    ids = [answer.client_id for answer in answers]
    known = dict(await work.synced.known(user_id, ids))
    sent_before = await work.sessions.answers(session_id, ids)
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
            refusals[answer.client_id] = refused_for(answer.client_id, error)
    answered = await record_answers(
        work, session, [*map(to_submitted, chosen)], guide.keys, lambda: guide.now
    )
    fresh: list[SyncedItem] = []
    for answer, result in zip(chosen, answered.results, strict=True):
        if result.refusal is not None:
            refusals[answer.client_id] = refused(answer.client_id, result.refusal)
        else:
            fresh.append(SyncedItem(answer.client_id, digest_of(answer), session_id))
    await work.synced.add(user_id, fresh)
    known.update((entry.client_id, entry) for entry in fresh)
    merged = {entry.client_id for entry in fresh} - sent_before.keys()
    return [
        refusals.get(answer.client_id)
        or on_record(answer, known[answer.client_id], merged=answer.client_id in merged)
        for answer in answers
    ]
