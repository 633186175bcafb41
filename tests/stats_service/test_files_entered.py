"""A streak is short enough to follow: how many files count a completion, read and explain what came of it.

What every call passes before its servicer is in the kit, counted apart. docs/architecture.md lists the files.
"""

from __future__ import annotations

from base64 import b64encode

import pytest
from celery import Celery
from practice.stats.v1 import explanation_service_pb2 as explanation_pb
from practice.stats.v1 import streak_service_pb2 as streak_pb

from service_kit.broker import COMPLETIONS_TASK, COUNTED_HINTS
from service_kit.hints import BlockingHintSender
from stats_service.adapters.celery.tasks import register_tasks
from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.application.backfill import BackfillBadges
from stats_service.application.ingest import ApplyCalendarChanges, ApplyCompletions
from tests.files_entered import Entered, files_entered
from tests.stats_service.conftest import Apply, Explanations, Metadata, Streaks, days
from tests.stats_service.facts import event_of, history
from tests.tokens import TestTokens


@pytest.fixture
def me(tokens: TestTokens) -> Metadata:
    return tuple(tokens.bearer(1))


def test_a_completion_is_counted_in_few_files(store: SqlLearnerStore, redis_url: str) -> None:
    hints = BlockingHintSender(redis_url, COUNTED_HINTS)
    app = Celery(set_as_current=False)
    register_tasks(
        app,
        apply_completions=lambda: ApplyCompletions(store, announce=hints.send),
        apply_calendar_changes=lambda: ApplyCalendarChanges(store),
        backfill_badges=lambda: BackfillBadges(store),
    )
    for fact in history(1, days(2, 1)):
        message = b64encode(event_of(fact).SerializeToString()).decode()
        with files_entered() as entered:
            app.tasks[COMPLETIONS_TASK].apply(args=[[message]]).get()
    counting = Entered(entered)
    assert "stats_service/domain/derivation.py" in counting.files
    assert len(counting.of("stats_service")) <= 18, counting
    hints.close()


async def test_streaks_are_read_in_few_files(apply: Apply, streaks: Streaks, me: Metadata) -> None:
    apply(*history(1, days(3, 2, 1)))
    await streaks.GetStreaks(streak_pb.GetStreaksRequest(), metadata=me)
    with files_entered() as entered:
        await streaks.GetStreaks(streak_pb.GetStreaksRequest(), metadata=me)
    reading = Entered(entered)
    assert len(reading.of("stats_service")) <= 14, reading


async def test_a_streak_is_explained_in_few_files(
    apply: Apply, explanations: Explanations, me: Metadata
) -> None:
    apply(*history(1, days(3, 2, 1)))
    request = explanation_pb.ExplainStreakRequest(product="focus")
    await explanations.ExplainStreak(request, metadata=me)
    with files_entered() as entered:
        await explanations.ExplainStreak(request, metadata=me)
    explaining = Entered(entered)
    assert len(explaining.of("stats_service")) <= 12, explaining
