"""Activities with their words, sequences, achievements, problems and idempotency keys."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0002"
down_revision = "0001"

SCHEMA = "catalog"


def text(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Text, nullable=False)


def texts(name: str) -> sa.Column[object]:
    return sa.Column(name, ARRAY(sa.Text), nullable=False)


def moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def upgrade() -> None:
    op.create_table(
        "activities",
        sa.Column("activity_id", sa.BigInteger, primary_key=True, autoincrement=False),
        *map(text, ("title", "type", "language", "translation_language")),
        moment("updated_at"),
        schema=SCHEMA,
    )
    op.create_table(
        "words",
        sa.Column("word_id", sa.Text, primary_key=True),
        sa.Column(
            "activity_id", sa.BigInteger, sa.ForeignKey(f"{SCHEMA}.activities.activity_id"), nullable=False
        ),
        sa.Column("position", sa.Integer, nullable=False),
        text("word"),
        *map(texts, ("translations", "difficulties")),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_words_listed",
        "words",
        ["activity_id", "position"],
        schema=SCHEMA,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_table(
        "sequences",
        sa.Column("sequence_id", sa.BigInteger, primary_key=True, autoincrement=False),
        *map(text, ("title", "description", "difficulty")),
        sa.Column("poses", JSONB, nullable=False),
        moment("updated_at"),
        schema=SCHEMA,
    )
    op.create_table(
        "achievements",
        sa.Column("achievement_id", sa.Text, primary_key=True),
        *map(text, ("product", "type", "title", "description", "metric")),
        sa.Column("threshold", sa.Double, nullable=False),
        moment("updated_at"),
        schema=SCHEMA,
    )
    op.create_index("ix_catalog_achievements_product", "achievements", ["product"], schema=SCHEMA)
    create_problems()
    op.create_table(
        "idempotency",
        sa.Column("user_id", sa.BigInteger, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        text("method"),
        sa.Column("request_digest", sa.LargeBinary, nullable=False),
        sa.Column("outcome", JSONB),
        moment("created_at"),
        schema=SCHEMA,
    )
    op.create_index("ix_catalog_idempotency_created_at", "idempotency", ["created_at"], schema=SCHEMA)


def create_problems() -> None:
    op.create_table(
        "problems",
        sa.Column("problem_id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("shipped_key", sa.Text),
        sa.Column("owner_id", sa.BigInteger, nullable=False),
        *map(text, ("owner_email", "title", "description", "difficulty")),
        texts("categories"),
        text("estimated_time"),
        *map(texts, ("requirements", "constraints", "hints")),
        text("searched"),
        texts("grams"),
        *map(moment, ("created_at", "updated_at")),
        sa.UniqueConstraint("shipped_key", name="uq_problems_shipped_key"),
        schema=SCHEMA,
    )
    op.create_index("ix_problems_owner", "problems", ["owner_id", "problem_id"], schema=SCHEMA)
    op.create_index(
        "ix_problems_grams",
        "problems",
        ["grams"],
        schema=SCHEMA,
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )


def downgrade() -> None:
    for table in ("idempotency", "problems", "achievements", "sequences", "words", "activities"):
        op.drop_table(table, schema=SCHEMA)
