"""Triggers that hold what a learner's row says of stored progress to be what is stored."""

from __future__ import annotations

from alembic import op

# What is derived from facts. `learner` has more: when it was saved, and how often.
DERIVED = ("daily_progress", "standing", "awarded_badge")
TOLD_BY_LEARNER = ("time_zone", "rollover_hour", "latest_end_time", "applied_through")
UNSAVED = "current_setting('stats.saving', true) IS DISTINCT FROM 'on'"


def create_digest_triggers() -> None:
    """Whoever changes derived rows otherwise than by saving makes the learner's digest unknown."""
    op.execute(
        """
        CREATE FUNCTION stats.forget_digest() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE stats.learner SET progress_digest = NULL
            WHERE user_id IN (OLD.user_id, NEW.user_id) AND progress_digest IS NOT NULL;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION stats.forget_digests() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE stats.learner SET progress_digest = NULL WHERE progress_digest IS NOT NULL;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION stats.forget_own_digest() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.progress_digest = NULL;
            RETURN NEW;
        END $$
        """
    )
    for table in DERIVED:
        op.execute(
            f"CREATE TRIGGER forget_digest AFTER INSERT OR UPDATE OR DELETE ON stats.{table}"
            f" FOR EACH ROW WHEN ({UNSAVED}) EXECUTE FUNCTION stats.forget_digest()"
        )
        op.execute(
            f"CREATE TRIGGER forget_digests AFTER TRUNCATE ON stats.{table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION stats.forget_digests()"
        )
    op.execute(
        f"CREATE TRIGGER forget_digest BEFORE UPDATE OF {', '.join(TOLD_BY_LEARNER)} ON stats.learner"
        f" FOR EACH ROW WHEN ({UNSAVED}) EXECUTE FUNCTION stats.forget_own_digest()"
    )


def drop_digest_functions() -> None:
    """Takes the functions away, once the tables with the triggers are gone."""
    for function in ("forget_digest", "forget_digests", "forget_own_digest"):
        op.execute(f"DROP FUNCTION stats.{function}()")
