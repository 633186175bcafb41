"""Tells an operator why a learner's streak, badge or total is what it is.

    practice explain USER [--product P] [--cadence day|week|month] [--on D] [--known-at T]
    practice explain USER --break D [--product P] [--known-at T]
    practice explain USER --badge BADGE
    practice explain USER --total [--product P] [--known-at T]

The running local stack is asked, or the service that STATS_ADDRESS and
INTERNAL_TOKEN_FILE name; there, without the local stack's packages, as
`python -m deploy.commands.streaks.explain USER`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from deploy.commands.accounts.users import User
from deploy.commands.run import run
from deploy.commands.streaks.options import Product, streak_client
from deploy.commands.tables import show

if TYPE_CHECKING:
    from practice.stats.v1 import explanation_pb2

    from deploy.commands.streaks.client import StreakAdminClient

_DAY = ["%Y-%m-%d"]
_INSTANT = ["%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z"]

app = typer.Typer(help="Tell why a streak, a badge or a total is what it is.", rich_markup_mode=None)


class Cadence(StrEnum):
    """What a streak counts."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@app.command()
def explain(
    user: User,
    *,
    product: Product = "all",
    cadence: Annotated[Cadence, typer.Option("--cadence", help="What the streak counts.")] = Cadence.DAY,
    on: Annotated[
        datetime | None, typer.Option("--on", formats=_DAY, help="The day; the learner's today if not given.")
    ] = None,
    known_at: Annotated[
        datetime | None,
        typer.Option(
            "--known-at", formats=_INSTANT, help="Look only at what was known then: 2026-05-15T12:00Z."
        ),
    ] = None,
    broke: Annotated[
        datetime | None, typer.Option("--break", formats=_DAY, help="Why did the streak break on this day?")
    ] = None,
    badge: Annotated[str, typer.Option("--badge", help="Why was this badge earned, or not?")] = "",
    total: Annotated[bool, typer.Option("--total", help="What is the total made of?")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many days at most.")] = 366,
) -> None:
    """Say why, in a paragraph, and show the days and sessions behind it."""
    with streak_client() as client:
        if badge:
            _badge(client, user, badge)
        elif total:
            _total(client, user, product, known_at, limit)
        elif broke is not None:
            _break(client, user, product, broke, known_at)
        else:
            _streak(client, user, _streak_question(product, cadence, on, known_at), limit)


def _streak_question(product: str, cadence: Cadence, on: datetime | None, known_at: datetime | None) -> Any:
    from practice.stats.v1 import streak_pb2  # noqa: PLC0415 - slow to import
    from practice.stats.v1.explanation_service_pb2 import ExplainStreakRequest  # noqa: PLC0415 - as above

    question = ExplainStreakRequest(
        product=product,
        cadence=streak_pb2.Cadence.Value(f"CADENCE_{cadence.name}"),
        on_date=f"{on:%Y-%m-%d}" if on else "",
    )
    return _as_of(question, known_at)


def _as_of(question: Any, known_at: datetime | None) -> Any:
    if known_at is not None:
        question.as_of_time.FromDatetime(known_at)
    return question


def _streak(client: StreakAdminClient, user: int, question: Any, limit: int) -> None:
    told, days = client.streak(user, question, limit)
    print(told.paragraph)
    _print_days(days)
    if told.next_page_token and len(days) >= limit:
        print("... and more: --limit shows them")


def _break(
    client: StreakAdminClient, user: int, product: str, day: datetime, known_at: datetime | None
) -> None:
    from practice.stats.v1.explanation_service_pb2 import ExplainBreakRequest  # noqa: PLC0415 - slow to import

    question = _as_of(ExplainBreakRequest(product=product, date=f"{day:%Y-%m-%d}"), known_at)
    told = client.day(user, question)
    print(told.paragraph)
    _print_days(told.days)


def _badge(client: StreakAdminClient, user: int, badge_id: str) -> None:
    told = client.badge(user, badge_id)
    print(told.paragraph)
    table = _table("variable", "value")
    for each in told.values:
        table.add_row(each.name, each.value)
    show(table)


def _total(client: StreakAdminClient, user: int, product: str, known_at: datetime | None, limit: int) -> None:
    from practice.stats.v1.explanation_service_pb2 import ExplainTotalRequest  # noqa: PLC0415 - slow to import

    question = _as_of(ExplainTotalRequest(product=product, page_size=min(limit, 366)), known_at)
    told = client.total(user, question)
    print(told.paragraph)
    table = _table("day", "sessions", "seconds", "answers", "right")
    for day in told.days:
        figures = (day.session_count, day.elapsed_seconds, day.answer_count, day.correct_answer_count)
        table.add_row(day.date, *map(str, figures))
    show(table)
    if told.next_page_token:
        print("... and more days")


def _print_days(days: Iterable[explanation_pb2.ExplainedDay]) -> None:
    table = _table("day", "was", "because", "sessions", "zone")
    for day in days:
        table.add_row(day.date, _status(day), _because(day), _sessions(day), _zone(day))
    show(table)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _status(day: explanation_pb2.ExplainedDay) -> str:
    return day.Status.Name(day.status).removeprefix("STATUS_").lower()


def _because(day: explanation_pb2.ExplainedDay) -> str:
    from practice.stats.v1 import streak_pb2  # noqa: PLC0415 - slow to import

    if not day.keep_reason:
        return ""
    reason = streak_pb2.KeepReason.Name(day.keep_reason).removeprefix("KEEP_REASON_").lower()
    entry = f" (entry {day.keep_entry.entry_id})" if day.HasField("keep_entry") else ""
    change = (
        f" ({' to '.join(each.time_zone for each in day.calendar_change)})" if day.calendar_change else ""
    )
    return f"{reason}{entry}{change}"


def _sessions(day: explanation_pb2.ExplainedDay) -> str:
    shown = [
        f"{session.session_id} {session.end_time.ToDatetime(UTC):%H:%M}Z"
        + ("" if session.counts else f" ({session.outcome}, does not count)")
        for session in day.sessions
    ]
    rest = day.session_count - len(shown)
    return ", ".join([*shown, *([f"and {rest} more"] if rest else [])])


def _zone(day: explanation_pb2.ExplainedDay) -> str:
    zones = (f"{session.time_zone} {session.rollover_hour:02}:00" for session in day.sessions)
    return ", ".join(dict.fromkeys(zones))


if __name__ == "__main__":
    run(app)
