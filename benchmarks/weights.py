"""What sessions weigh in the database, table by table and index by index.

    python -m benchmarks.weights [--sessions 100000] [--answers 10]
    python -m benchmarks.weights --database-url postgresql://...

Without an address a PostgreSQL of its own is filled with completed sessions of a thousand learners,
each with answers, its journal, its event and what statistics have of it, and each figure is given as of a
million sessions: weights grow with them. With an address that database is weighed as it is.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks.population import populate
from deploy.local.servers import throwaway_servers
from service_kit.db.migrate import upgrade

MILLION = 1_000_000
LEARNERS = 1_000

_WEIGHTS = """
    SELECT schema.nspname || '.' || relation.relname, coalesce(key.relname, ''),
        CASE WHEN key.oid IS NULL THEN pg_table_size(relation.oid) ELSE pg_relation_size(key.oid) END,
        greatest(relation.reltuples, 0)::bigint
    FROM pg_class AS relation
    JOIN pg_namespace AS schema ON schema.oid = relation.relnamespace
    LEFT JOIN LATERAL (
        SELECT NULL::oid AS oid, NULL::name AS relname
        UNION ALL
        SELECT pg_class.oid, pg_class.relname FROM pg_index
        JOIN pg_class ON pg_class.oid = pg_index.indexrelid WHERE pg_index.indrelid = relation.oid
    ) AS key ON true
    WHERE relation.relkind = 'r' AND schema.nspname IN ('identity', 'catalog', 'session', 'stats')
    ORDER BY 1, 2
"""
# Of learner 1 + n modulo LEARNERS, in the order of time as they would have come in.
_SESSIONS = """
    INSERT INTO session.practice_session (
        user_id, product, policy_version, mode, content, state, elapsed_seconds, implausible, started_at,
        ended_at, time_zone, rollover_hour, local_date, answer_count, correct_answer_count, draft_hash,
        message_count, content_title, content_type, settings, item_count, answered_item_count,
        mastered_item_count, right_run, note, message_bytes, synced, user_seq, version, updated_at
    )
    SELECT 1 + n %% %(learners)s, 'exercises', 1, '', '', 'completed', 600, false,
        now() - (%(sessions)s - n) * interval '1 s', now() - (%(sessions)s - n - 600) * interval '1 s',
        'Europe/Madrid', 0, current_date, %(answers)s, %(answers)s / 2, 'd41d8cd98f00b204e9800998ecf8427e',
        0, '', '', '{}', 0, 0, 0, 1, '', 0, false, 1 + n / %(learners)s, %(answers)s + 2, now()
    FROM generate_series(0, %(sessions)s - 1) AS n
"""
_ANSWERS = """
    INSERT INTO session.answer (
        user_id, session_id, position, answer_id, item, text, time_taken, correct, correct_answer, feedback,
        answered_at
    )
    SELECT user_id, id, n, 'a-' || n, 'exercises/' || 100 + n, 'hable', 4.2, n %% 2 = 0, 'hable',
        'A hope takes the subjunctive.', ended_at
    FROM session.practice_session, generate_series(1, %(answers)s) AS n ORDER BY id, n
"""
_JOURNAL = """
    INSERT INTO session.journal (
        user_id, session_id, sequence, change, at, state, answer_count, correct_answer_count, elapsed_seconds,
        item_count, answered_item_count, mastered_item_count, right_run
    )
    SELECT user_id, id, 1 + n, CASE WHEN n > %(answers)s THEN 'ended' ELSE 'answered' END, ended_at,
        CASE WHEN n > %(answers)s THEN 'completed' ELSE 'active' END, n, n / 2, n * 60, 0, 0, 0, 1
    FROM session.practice_session, generate_series(1, %(answers)s + 1) AS n ORDER BY id, n
"""
_EVENTS = """
    INSERT INTO session.outbox (
        event_id, user_id, user_seq, aggregate_id, kind, payload, request_id, next_attempt_at, acked_at
    )
    SELECT gen_random_uuid(), user_id, user_seq, id, 'practice.events.v1.SessionEnded',
        decode(repeat('ab', 160), 'hex'), gen_random_uuid()::text, now(), now()
    FROM session.practice_session ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class Weight:
    """Bytes of a table with its long values, or of one of its indexes, and the rows of the table."""

    table: str
    index: str
    size: int
    rows: int


def weigh(url: str) -> Sequence[Weight]:
    """Returns what each table and each index of the services weighs, rows as the planner knows them."""
    with psycopg.connect(url) as connection:
        return [Weight(*row) for row in connection.execute(_WEIGHTS)]


def weigh_sessions(url: str, sessions: int, answers: int) -> Sequence[Weight]:
    """Fills an empty, migrated database with completed sessions and returns what weighs anything."""
    values = {"sessions": sessions, "answers": answers, "learners": LEARNERS}
    with psycopg.connect(url, autocommit=True, options="-c timezone=UTC") as connection:
        for statement in (_SESSIONS, _ANSWERS, _JOURNAL, _EVENTS):
            connection.execute(statement, values)
        populate(url, people=LEARNERS, each=max(1, sessions // LEARNERS))
        connection.execute("VACUUM ANALYZE")
    return [weight for weight in weigh(url) if weight.rows >= LEARNERS]


def report(weights: Sequence[Weight], per: float = 1.0) -> Table:
    """Returns the table that is shown, the heaviest first; each figure times `per`."""
    whole = {
        name: sum(each.size for each in weights if each.table == name) for name in {w.table for w in weights}
    }
    table = Table()
    table.add_column("table")
    table.add_column("index")
    for column in ("rows", "MB", "bytes a row"):
        table.add_column(column, justify="right")
    for weight in sorted(
        weights, key=lambda each: (-whole[each.table], each.table, each.index != "", -each.size)
    ):
        table.add_row(
            weight.table,
            weight.index or "(the table)",
            f"{weight.rows * per:,.0f}",
            f"{weight.size * per / 1e6:,.1f}",
            f"{weight.size / weight.rows:,.0f}" if weight.rows else "",
        )
    total = sum(each.size for each in weights)
    table.add_row("all", "", "", f"{total * per / 1e6:,.1f}", "", style="bold")
    return table


def main() -> None:
    """Weighs and reports."""
    parser = argparse.ArgumentParser(description="What sessions weigh in the database.")
    parser.add_argument("--database-url", help="weigh this database as it is")
    parser.add_argument("--sessions", type=int, default=100_000)
    parser.add_argument("--answers", type=int, default=10, help="of each session")
    arguments = parser.parse_args()
    console = Console(width=110)
    if arguments.database_url:
        console.print(report([weight for weight in weigh(arguments.database_url) if weight.rows]))
        return
    with throwaway_servers() as servers:
        for service in ("session_service", "stats_service"):
            upgrade(service, servers.database_url)
        weights = weigh_sessions(servers.database_url, arguments.sessions, arguments.answers)
    console.print(f"Of a million sessions with {arguments.answers} answers each:")
    console.print(report(weights, MILLION / arguments.sessions))


if __name__ == "__main__":
    main()
