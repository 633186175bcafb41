"""Create the catalog schema"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from service_kit.db.erasure import guard_statements, unguard_statements

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "achievements",
        sa.Column("achievement_id", sa.Text, nullable=False),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("metric", sa.Text, nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("updated_at", INSTANT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("achievement_id"),
        schema="catalog",
    )
    op.create_index("ix_catalog_achievements_product", "achievements", ["product"], schema="catalog")
    op.create_table(
        "activities",
        sa.Column("activity_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("translation_language", sa.Text, nullable=False),
        sa.Column("updated_at", INSTANT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("activity_id"),
        schema="catalog",
    )
    op.create_table(
        "erased_user",
        sa.Column("user_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("erased_at", INSTANT, server_default=sa.func.now(), nullable=False),
        sa.Column("removed", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("corrected", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.PrimaryKeyConstraint("user_id"),
        schema="catalog",
    )
    op.create_table(
        "exercises",
        sa.Column("exercise_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("prompt", sa.Text, nullable=False),
        sa.Column("cue", sa.Text, nullable=False),
        sa.Column("instruction", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("difficulty", sa.Text, nullable=False),
        sa.Column("accepted_answers", ARRAY(sa.Text), nullable=False),
        sa.Column("explanation", sa.Text, nullable=False),
        sa.Column("updated_at", INSTANT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("exercise_id"),
        schema="catalog",
    )
    op.create_index("ix_exercises_difficulty", "exercises", ["difficulty", "exercise_id"], schema="catalog")
    op.create_table(
        "idempotency",
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("request_digest", sa.LargeBinary, nullable=False),
        sa.Column("outcome", JSONB()),
        sa.Column("response", sa.LargeBinary),
        sa.Column("response_headers", JSONB()),
        sa.Column("created_at", INSTANT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "key"),
        schema="catalog",
    )
    op.create_index("ix_catalog_idempotency_created_at", "idempotency", ["created_at"], schema="catalog")
    op.create_table(
        "problems",
        sa.Column("problem_id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("shipped_key", sa.Text),
        sa.Column("owner_id", sa.BigInteger, nullable=False),
        sa.Column("owner_email", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("difficulty", sa.Text, nullable=False),
        sa.Column("categories", ARRAY(sa.Text), nullable=False),
        sa.Column("estimated_time", sa.Text, nullable=False),
        sa.Column("requirements", ARRAY(sa.Text), nullable=False),
        sa.Column("constraints", ARRAY(sa.Text), nullable=False),
        sa.Column("hints", ARRAY(sa.Text), nullable=False),
        sa.Column("searched", sa.Text, nullable=False),
        sa.Column("grams", ARRAY(sa.Text), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", INSTANT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("problem_id"),
        sa.UniqueConstraint("shipped_key", name="uq_problems_shipped_key"),
        schema="catalog",
    )
    op.create_index(
        "ix_problems_grams",
        "problems",
        ["grams"],
        schema="catalog",
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.create_index("ix_problems_owner", "problems", ["owner_id", "problem_id"], schema="catalog")
    op.create_table(
        "sequences",
        sa.Column("sequence_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("difficulty", sa.Text, nullable=False),
        sa.Column("poses", JSONB(), nullable=False),
        sa.Column("updated_at", INSTANT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("sequence_id"),
        schema="catalog",
    )
    op.create_table(
        "words",
        sa.Column("word_id", sa.Text, nullable=False),
        sa.Column("activity_id", sa.BigInteger, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("word", sa.Text, nullable=False),
        sa.Column("translations", ARRAY(sa.Text), nullable=False),
        sa.Column("difficulties", ARRAY(sa.Text), nullable=False),
        sa.Column("withdrawn_at", INSTANT),
        sa.ForeignKeyConstraint(["activity_id"], ["catalog.activities.activity_id"]),
        sa.PrimaryKeyConstraint("word_id"),
        schema="catalog",
    )
    op.create_index(
        "ix_words_listed",
        "words",
        ["activity_id", "position"],
        schema="catalog",
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    for statement in (
        *guard_statements("catalog", ["problems"], column="owner_id"),
        *guard_statements("catalog", ["idempotency"]),
    ):
        op.execute(statement)


def downgrade() -> None:
    for statement in (
        *unguard_statements("catalog", ["problems"], column="owner_id"),
        *unguard_statements("catalog", ["idempotency"]),
    ):
        op.execute(statement)
    for table in (
        "words",
        "sequences",
        "problems",
        "idempotency",
        "exercises",
        "erased_user",
        "activities",
        "achievements",
    ):
        op.drop_table(table, schema="catalog")
