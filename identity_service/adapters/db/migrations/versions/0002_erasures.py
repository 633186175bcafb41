"""Erasures and their receipts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"

SCHEMA = "identity"
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "erasure",
        sa.Column("receipt_id", sa.Uuid, primary_key=True),
        sa.Column("user_id", sa.BigInteger, nullable=False, unique=True),
        sa.Column("erased_at", INSTANT, nullable=False),
        sa.Column("completed_at", INSTANT),
        schema=SCHEMA,
    )
    op.create_table(
        "erasure_part",
        sa.Column("receipt_id", sa.Uuid, sa.ForeignKey(f"{SCHEMA}.erasure.receipt_id"), primary_key=True),
        sa.Column("service", sa.Text, primary_key=True),
        sa.Column("removed", JSONB),
        sa.Column("corrected", JSONB),
        sa.Column("answered_at", INSTANT),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("next_attempt_at", INSTANT, nullable=False),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_erasure_part_due",
        "erasure_part",
        ["next_attempt_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("answered_at IS NULL"),
    )


def downgrade() -> None:
    for table in ("erasure_part", "erasure"):
        op.drop_table(table, schema=SCHEMA)
