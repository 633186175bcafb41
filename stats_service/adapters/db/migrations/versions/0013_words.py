"""Tables and columns go by the words of the code: learners, orphans, the badge catalogue."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"

_COLUMNS = (
    ("learner", "book_revision", "catalogue_revision"),
    ("recalculation_shard", "people", "learners"),
    ("recalculation_shard", "people_wrong", "learners_wrong"),
    ("reconciliation_learner", "aliens", "orphans"),
)
_INDEXES = (
    ("learner_book_revision", "learner_catalogue_revision"),
    ("reconciliation_person_pkey", "reconciliation_learner_pkey"),
    ("reconciliation_person_user", "reconciliation_learner_user"),
    ("reconciliation_person_left", "reconciliation_learner_left"),
)


def upgrade() -> None:
    op.rename_table("reconciliation_person", "reconciliation_learner", schema="stats")
    for table, old, new in _COLUMNS:
        op.alter_column(table, old, new_column_name=new, schema="stats")
    for old, new in _INDEXES:
        op.execute(f"ALTER INDEX stats.{old} RENAME TO {new}")


def downgrade() -> None:
    for old, new in _INDEXES:
        op.execute(f"ALTER INDEX stats.{new} RENAME TO {old}")
    for table, old, new in _COLUMNS:
        op.alter_column(table, new, new_column_name=old, schema="stats")
    op.rename_table("reconciliation_learner", "reconciliation_person", schema="stats")
