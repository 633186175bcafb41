"""People who practise, as many as are needed: put straight into the table."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import yaml

from service_kit.db.engines import open_async_engine
from stats_service.adapters.cel.conditions import compile_condition
from stats_service.adapters.db.badges import open_badge_publication
from stats_service.application.badge_commands import LoadBadgeDefinitions
from stats_service.domain.badges import BadgeContent

PRODUCTS = ("exercises", "focus", "portal", "yoga", "design")
# Of a person: the one at their number modulo five.
ZONES = ("Europe/Madrid", "America/New_York", "Asia/Tokyo", "UTC", "America/Sao_Paulo")
_BADGES = Path(__file__).parents[1] / "content" / "badges.yaml"

# By time, as they would have come in: a person's rows lie far apart.
_COMPLETIONS = """
    INSERT INTO stats.completion (
        event_id, user_id, user_seq, session_id, product, outcome, counts, start_time, end_time,
        time_zone, rollover_hour, local_date, elapsed_seconds, implausible, answer_count,
        correct_answer_count, content, mode, synced, local_minute
    )
    SELECT gen_random_uuid(), person, 1 + row_number() OVER (PARTITION BY person ORDER BY done),
        row_number() OVER (ORDER BY done), product, 'completed', random() < 0.97,
        done - interval '20 min', done, zone, 0, (done AT TIME ZONE zone)::date, floor(random() * 3600),
        false, answers, answers / 2, '', CASE WHEN random() < 0.2 THEN 'test' ELSE '' END, false,
        extract(hour FROM done AT TIME ZONE zone) * 60 + extract(minute FROM done AT TIME ZONE zone)
    FROM (
        SELECT person, (%(products)s::text[])[1 + floor(random() * 5)] AS product,
            timestamptz '2026-01-05 00:00Z' + person %% 60 * interval '1 day'
                + floor(random() * 40) * interval '1 day' + random() * interval '20 hours' AS done,
            (%(zones)s::text[])[1 + person %% 5] AS zone, floor(random() * 30)::integer AS answers
        FROM generate_series(1, %(people)s) AS person, generate_series(1, %(each)s)
    ) AS drawn
    ORDER BY done
"""
_SIGN_UPS = """
    INSERT INTO stats.calendar_change (
        event_id, user_id, user_seq, effective_time, time_zone, rollover_hour, sign_up_time
    )
    SELECT gen_random_uuid(), person, 1, timestamptz '2026-01-01 00:00Z',
        (%(zones)s::text[])[1 + person %% 5], 0, timestamptz '2026-01-01 00:00Z'
    FROM generate_series(1, %(people)s) AS person
"""


def populate(url: str, people: int, each: int) -> None:
    """Makes so many completions of each of people 1 to `people`, and their sign-ups; none is derived from."""
    values = {"people": people, "each": each, "products": list(PRODUCTS), "zones": list(ZONES)}
    with psycopg.connect(url, autocommit=True, options="-c timezone=UTC") as connection:
        connection.execute("SELECT setseed(0.25)")
        connection.execute(_SIGN_UPS, values)
        connection.execute(_COMPLETIONS, values)
        connection.execute("VACUUM ANALYZE stats.completion, stats.calendar_change")


def publish_shipped_badges(url: str) -> None:
    """Publishes the badges of content/."""
    entries = yaml.safe_load(_BADGES.read_text())
    badges = [BadgeContent(badge_id=entry.pop("id"), **entry) for entry in entries]

    class Nobody:
        """There is nobody yet to bring up to date."""

        async def request(self) -> None:
            """Asks for nothing."""

    async def published() -> None:
        engine = open_async_engine(url, pool_size=1, application="benchmark")
        await LoadBadgeDefinitions(open_badge_publication(engine), Nobody(), compile_condition)(badges)
        await engine.dispose()

    asyncio.run(published())
