"""What was stored before a migration is there after it."""

from __future__ import annotations

from alembic import command
from sqlalchemy import text

from service_kit.db.engines import open_engine
from service_kit.db.migrate import alembic_config


def test_zones_of_before_are_the_history_of_the_calendar(fresh_database_url: str) -> None:
    engine = open_engine(fresh_database_url, pool_size=1, application="test")
    with engine.connect() as connection:
        command.downgrade(alembic_config("session_service", connection), "0005")
        connection.execute(
            text(
                "INSERT INTO session.learner (user_id, time_zone, rollover_hour) VALUES (5, 'Asia/Tokyo', 3)"
            )
        )
        connection.execute(
            text(
                "INSERT INTO session.learner_time_zone (user_id, effective_at, time_zone) VALUES"
                " (5, '2026-03-02T12:00:00Z', 'Asia/Tokyo'), (5, '2026-03-01T12:00:00Z', 'Europe/Madrid'),"
                " (6, '2026-03-01T12:00:00Z', 'UTC')"
            )
        )

        command.upgrade(alembic_config("session_service", connection), "head")

        kept = connection.execute(
            text(
                "SELECT user_id, time_zone, rollover_hour, user_seq, signed_up_at"
                " FROM session.learner_calendar ORDER BY user_id, effective_at"
            )
        )
        assert [tuple(row) for row in kept] == [
            (5, "Europe/Madrid", 3, None, None),
            (5, "Asia/Tokyo", 3, None, None),
            (6, "UTC", 0, None, None),
        ]
        command.downgrade(alembic_config("session_service", connection), "0005")
        back = connection.execute(text("SELECT count(*) FROM session.learner_time_zone")).scalar_one()
        assert back == 3
    engine.dispose()
