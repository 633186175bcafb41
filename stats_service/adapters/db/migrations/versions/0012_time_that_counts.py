"""Facts tell whether they were synced and how much of their time counts; everybody is derived anew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_PRACTISED_SECONDS = """
CASE WHEN implausible
THEN least(elapsed_seconds, greatest(0, floor(extract(epoch FROM end_time - start_time)))::bigint)
ELSE elapsed_seconds END
"""
_DERIVED_FROM = [
    *("user_seq", "product", "counts", "local_date", "answer_count", "correct_answer_count"),
    *("local_minute", "time_zone", "rollover_hour", "outcome", "mode"),
]


def upgrade() -> None:
    # Which of the facts there are were synced, a reconciliation finds out.
    op.add_column(
        "completion",
        sa.Column("synced", sa.Boolean, server_default=sa.text("false"), nullable=False),
        schema="stats",
    )
    op.add_column(
        "completion",
        sa.Column(
            "practised_seconds",
            sa.BigInteger,
            sa.Computed(_PRACTISED_SECONDS, persisted=True),
            nullable=False,
        ),
        schema="stats",
    )
    # By the rule that the session service has from now on: nobody tells these again.
    op.execute(
        "UPDATE stats.completion SET counts = false"
        " WHERE product IN ('exercises', 'portal') AND answer_count = 0 AND counts"
    )
    _index_facts("practised_seconds", "synced")
    op.create_index(
        "completion_synced",
        "completion",
        ["user_id", "local_date"],
        schema="stats",
        postgresql_where=sa.text("synced AND counts"),
    )
    # Time and days count otherwise: everybody is derived anew, in the background.
    op.execute("UPDATE stats.learner SET book_revision = -1")


def downgrade() -> None:
    op.drop_index("completion_synced", "completion", schema="stats")
    _index_facts("elapsed_seconds")
    op.drop_column("completion", "practised_seconds", schema="stats")
    op.drop_column("completion", "synced", schema="stats")


def _index_facts(*more: str) -> None:
    """Makes the index of the canonical order anew, with all that progress is derived from."""
    op.drop_index("completion_canonical_order", "completion", schema="stats")
    op.create_index(
        "completion_canonical_order",
        "completion",
        ["user_id", "end_time", "event_id"],
        schema="stats",
        postgresql_include=[*_DERIVED_FROM, *more],
    )
