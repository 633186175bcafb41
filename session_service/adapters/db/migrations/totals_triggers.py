"""Triggers that keep how many sessions a learner has in each product, so that nobody counts them.

Whoever writes sessions, one or a thousand in a statement, is counted in the same transaction.
"""

from __future__ import annotations

from alembic import op


def create_totals_triggers() -> None:
    """Sessions count from their start, and once more when they end."""
    # In order, so that two statements about the same learners never wait for each other.
    op.execute(
        """
        CREATE FUNCTION session.count_started() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO session.session_total AS total
                (user_id, product, started, ended, completed, completed_seconds)
            SELECT user_id, product, count(*), count(ended_at),
                count(*) FILTER (WHERE state = 'completed'),
                coalesce(sum(elapsed_seconds) FILTER (WHERE state = 'completed'), 0)
            FROM changed GROUP BY user_id, product ORDER BY user_id, product
            ON CONFLICT (user_id, product) DO UPDATE SET
                started = total.started + excluded.started,
                ended = total.ended + excluded.ended,
                completed = total.completed + excluded.completed,
                completed_seconds = total.completed_seconds + excluded.completed_seconds;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION session.count_ended() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE session.session_total SET
                ended = ended + 1,
                completed = completed + (NEW.state = 'completed')::integer,
                completed_seconds = completed_seconds
                    + CASE WHEN NEW.state = 'completed' THEN NEW.elapsed_seconds ELSE 0 END
            WHERE user_id = NEW.user_id AND product = NEW.product;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION session.count_removed() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE session.session_total AS total SET
                started = total.started - gone.started,
                ended = total.ended - gone.ended,
                completed = total.completed - gone.completed,
                completed_seconds = total.completed_seconds - gone.completed_seconds
            FROM (
                SELECT user_id, product, count(*) AS started, count(ended_at) AS ended,
                    count(*) FILTER (WHERE state = 'completed') AS completed,
                    coalesce(sum(elapsed_seconds) FILTER (WHERE state = 'completed'), 0) AS completed_seconds
                FROM changed GROUP BY user_id, product
            ) AS gone
            WHERE total.user_id = gone.user_id AND total.product = gone.product;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER count_started AFTER INSERT ON session.practice_session"
        " REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION session.count_started()"
    )
    # An answer changes a session too, and costs no more than the look at these two columns.
    op.execute(
        "CREATE TRIGGER count_ended AFTER UPDATE ON session.practice_session FOR EACH ROW"
        " WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)"
        " EXECUTE FUNCTION session.count_ended()"
    )
    op.execute(
        "CREATE TRIGGER count_removed AFTER DELETE ON session.practice_session"
        " REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION session.count_removed()"
    )


def drop_totals_functions() -> None:
    """Takes the functions away, once the table with the triggers is gone."""
    for function in ("count_started", "count_ended", "count_removed"):
        op.execute(f"DROP FUNCTION session.{function}()")
