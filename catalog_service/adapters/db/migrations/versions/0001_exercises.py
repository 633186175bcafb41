"""Exercises and their answers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "exercises",
        sa.Column("exercise_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("prompt", sa.Text, nullable=False),
        sa.Column("cue", sa.Text, nullable=False),
        sa.Column("instruction", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("difficulty", sa.Text, nullable=False),
        sa.Column("accepted_answers", ARRAY(sa.Text), nullable=False),
        sa.Column("explanation", sa.Text, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        schema="catalog",
    )
    op.create_index("ix_exercises_difficulty", "exercises", ["difficulty", "exercise_id"], schema="catalog")


def downgrade() -> None:
    op.drop_table("exercises", schema="catalog")
