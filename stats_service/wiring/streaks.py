"""Wires what the service says of streaks, and why: the part of main.py for these rooms."""

from __future__ import annotations

import grpc
from practice.stats.v1 import explanation_service_pb2_grpc as explanation_rpc
from practice.stats.v1 import streak_service_pb2_grpc as streak_rpc
from sqlalchemy.ext.asyncio import AsyncEngine

from stats_service.adapters.db.explanations import SqlExplanationReader
from stats_service.adapters.db.reader import SqlReader
from stats_service.adapters.db.streaks import SqlStreakReader, open_streak_work
from stats_service.adapters.grpc import explanation_servicer, streak_admin_servicer
from stats_service.adapters.grpc.explaining import Explaining
from stats_service.adapters.grpc.explanation_servicer import ExplanationAdminServicer, ExplanationServicer
from stats_service.adapters.grpc.streak_admin_servicer import StreakAdminServicer
from stats_service.adapters.grpc.streak_servicer import StreakServicer
from stats_service.application.buy_freeze import BuyFreeze
from stats_service.application.cancel_pause import CancelPause
from stats_service.application.catch_up import CatchUp
from stats_service.application.explain_badge import ExplainBadge
from stats_service.application.explain_break import ExplainBreak
from stats_service.application.explain_streak import ExplainStreak
from stats_service.application.explain_total import ExplainTotal
from stats_service.application.find_account import FindAccount
from stats_service.application.get_freezes import GetFreezes
from stats_service.application.get_streaks import GetStreaks
from stats_service.application.grant_freeze import GrantFreeze
from stats_service.application.knowing import Knowing
from stats_service.application.list_pauses import ListPauses
from stats_service.application.list_rest_days import ListRestDays
from stats_service.application.list_streak_entries import ListStreakEntries
from stats_service.application.own_days import Today
from stats_service.application.plan_pause import PlanPause
from stats_service.application.ports.surroundings import BackfillQueue, Clock
from stats_service.application.recording import Recording
from stats_service.application.repair_streak import RepairStreak
from stats_service.application.set_rest_days import SetRestDays

INTERNAL = frozenset({streak_admin_servicer.SERVICE, explanation_servicer.ADMIN_SERVICE})


def register_streaks(
    server: grpc.aio.Server,
    engine: AsyncEngine,
    backfills: BackfillQueue,
    today: Today,
    clock: Clock,
    *,
    freeze_limit: int,
    freeze_purchases: int,
) -> None:
    """Adds the services about streaks to the server.

    `freeze_limit` freezes at most can be held for one, `freeze_purchases` bought in 30 days.
    """
    reader, streak_reader = SqlReader(engine), SqlStreakReader(engine)
    recording = Recording(open_streak_work(engine), backfills, clock)
    own = StreakServicer(
        get_streaks=GetStreaks(reader, streak_reader, today),
        list_rest_days=ListRestDays(streak_reader, today),
        set_rest_days=SetRestDays(recording),
        list_pauses=ListPauses(streak_reader),
        plan_pause=PlanPause(recording),
        cancel_pause=CancelPause(recording),
        get_freezes=GetFreezes(reader, streak_reader, today),
        buy_freeze=BuyFreeze(recording, freeze_limit, freeze_purchases),
        freeze_limit=freeze_limit,
    )
    admin = StreakAdminServicer(
        GrantFreeze(recording, freeze_limit), RepairStreak(recording), ListStreakEntries(streak_reader)
    )
    streak_rpc.add_StreakServiceServicer_to_server(own, server)
    streak_rpc.add_StreakAdminServiceServicer_to_server(admin, server)


def register_explanations(server: grpc.aio.Server, engine: AsyncEngine, clock: Clock) -> None:
    """Adds the services that explain to the server."""
    reader = SqlExplanationReader(engine)
    knowing = Knowing(reader, clock)
    own, admin = (
        Explaining(
            streak=ExplainStreak(reader, knowing),
            day=ExplainBreak(reader, knowing),
            badge=ExplainBadge(reader),
            total=ExplainTotal(reader, clock),
            for_operators=for_operators,
        )
        for for_operators in (False, True)
    )
    find_account = FindAccount(reader)
    explanation_rpc.add_ExplanationServiceServicer_to_server(ExplanationServicer(own), server)
    explanation_rpc.add_ExplanationAdminServiceServicer_to_server(
        ExplanationAdminServicer(admin, find_account), server
    )


def catching_up(engine: AsyncEngine, backfills: BackfillQueue) -> CatchUp:
    """Returns what asks for a backfill when somebody's progress is behind."""
    return CatchUp(SqlStreakReader(engine), backfills)
