"""Boards that close keep their scores, once, whoever closes them and whatever comes later."""

from __future__ import annotations

import random
import threading
from datetime import date, timedelta

from sqlalchemy import Engine, text

from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.application.ingest import rederive
from stats_service.domain.periods import Period
from stats_service.leaderboards.sql import SqlClosingStore
from tests.stats_service.conftest import Apply
from tests.stats_service.facts import completion, history
from tests.stats_service.leaderboards.conftest import (
    A_MOMENT_BEFORE,
    CLOSED,
    SUNDAY,
    WEDNESDAY,
    Boards,
    closer,
    crowd,
    kept,
    open_scores,
    places,
)
from tests.waiting import PATIENCE_SECONDS, eventually


async def test_late_sessions_count_until_the_board_closes_and_not_after(
    boards: Boards, apply: Apply, engine: Engine
) -> None:
    apply(completion(user_id=1, user_seq=1, local_date=SUNDAY, elapsed_seconds=60))
    closer(engine, A_MOMENT_BEFORE)()
    apply(completion(user_id=1, user_seq=2, local_date=SUNDAY, elapsed_seconds=60))
    page = await boards.page()
    assert (page.state, places(page)) == ("closing", [(1, 1, 120, 2)])

    boards.now = CLOSED + timedelta(days=1)
    # Its time is over, but nobody has closed it: it goes on counting.
    apply(completion(user_id=1, user_seq=3, local_date=SUNDAY, elapsed_seconds=60))
    page = await boards.page()
    assert (page.state, places(page)) == ("closing", [(1, 1, 180, 3)])

    closer(engine)()
    apply(
        completion(user_id=1, user_seq=4, local_date=SUNDAY, elapsed_seconds=60),
        completion(user_id=2, user_seq=1, local_date=SUNDAY, elapsed_seconds=600),
    )
    for kind in ("day", "week"):
        page = await boards.page(kind=kind, day=SUNDAY)
        assert (page.state, places(page)) == ("final", [(1, 1, 180, 3)])
        assert page.closes_time == CLOSED
    assert places(await boards.page(kind="month")) == [(1, 2, 600, 1), (2, 1, 240, 4)]


async def test_what_is_recalculated_after_closing_moves_open_boards_only(
    boards: Boards, apply: Apply, engine: Engine, store: SqlLearnerStore
) -> None:
    apply(completion(user_id=1, user_seq=1, local_date=SUNDAY, elapsed_seconds=60))
    with engine.begin() as connection:
        connection.execute(text("UPDATE stats.daily_progress SET elapsed_seconds = 90"))
    closer(engine)()
    with store.work_on([1]) as work:
        rederive(work)
        work.commit()
    boards.now = CLOSED
    assert places(await boards.page(kind="week")) == [(1, 1, 90, 1)]
    assert places(await boards.page(kind="month")) == [(1, 1, 60, 1)]


async def test_whoever_was_off_for_days_closes_what_was_missed_and_once(
    boards: Boards, apply: Apply, engine: Engine
) -> None:
    days = [date(2025, 12, 31), date(2026, 2, 10), WEDNESDAY, SUNDAY]
    apply(*history(1, days, elapsed_seconds=60))
    passes = 1
    while closer(engine, budget=0.0)():
        passes += 1
    assert passes > 3
    before = kept(engine)
    assert not closer(engine)()
    assert kept(engine) == before
    with engine.connect() as connection:
        found = connection.execute(text("SELECT period, closed_through FROM stats.leaderboard_closing"))
        through = {row.period: row.closed_through for row in found}
    assert through == {"day": SUNDAY, "week": SUNDAY, "month": date(2026, 1, 31)}
    boards.now = CLOSED
    for day in days:
        assert places(await boards.page(kind="day", day=day)) == [(1, 1, 60, 1)]
    # Nobody practised then, and a session that comes later does not reopen it.
    apply(completion(user_id=1, user_seq=9, local_date=date(2026, 1, 15)))
    page = await boards.page(kind="day", day=date(2026, 1, 15))
    assert (page.state, places(page)) == ("final", [])


def test_nothing_to_close_is_closed_as_well(engine: Engine) -> None:
    assert not closer(engine)()
    assert kept(engine) == []


def test_two_machines_close_a_board_once(engine: Engine, apply: Apply) -> None:
    apply(*crowd(random.Random(9)))
    threads = [threading.Thread(target=closer(engine)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    once = kept(engine)
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE stats.leaderboard_closing, stats.leaderboard_entry"))
    closer(engine)()
    assert kept(engine) == once


async def test_a_board_that_closes_while_completions_arrive_has_whole_ones_and_stays(
    boards: Boards, apply: Apply, engine: Engine
) -> None:
    learners, sessions = range(1, 5), 12
    begun = threading.Barrier(len(learners) + 1)

    def practise(user: int) -> None:
        begun.wait(PATIENCE_SECONDS)
        for seq in range(1, sessions + 1):
            apply(completion(user_id=user, user_seq=seq, local_date=SUNDAY, elapsed_seconds=60))

    threads = [threading.Thread(target=practise, args=(user,)) for user in learners]
    for thread in threads:
        thread.start()
    begun.wait(PATIENCE_SECONDS)
    eventually(lambda: open_scores(engine))
    closer(engine)()
    at_closing = kept(engine)
    for thread in threads:
        thread.join(PATIENCE_SECONDS)

    assert kept(engine) == at_closing
    boards.now = CLOSED
    final = places(await boards.page())
    assert final
    assert all(seconds == 60 * count and 1 <= count <= sessions for _, _, seconds, count in final)
    assert open_scores(engine) == dict.fromkeys(learners, sessions)


async def test_an_erased_person_is_gone_from_final_boards_and_ranks_close_up(
    boards: Boards, apply: Apply, engine: Engine
) -> None:
    for user, seconds in ((1, 50), (2, 40), (3, 30)):
        apply(*history(user, [WEDNESDAY], elapsed_seconds=seconds))
    store = SqlClosingStore(engine)
    with store.work_on("week") as work:
        # Erased while the scores are being kept: they are not there to be deleted yet.
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO stats.erased_user (user_id, request_id) VALUES (2, 'r')"))
        work.close(Period.of("week", WEDNESDAY))
        work.commit()
    closer(engine)()
    boards.now = CLOSED
    for kind in ("day", "week"):
        assert places(await boards.page(kind=kind)) == [(1, 1, 50, 1), (2, 3, 30, 1)]
    assert store.forget_erased() == 0
