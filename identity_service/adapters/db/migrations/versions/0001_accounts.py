"""Accounts, refresh tokens, counted attempts and idempotency keys."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0001"
down_revision = None

SCHEMA = "identity"


def moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("user_id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("first_name", sa.Text, nullable=False),
        sa.Column("last_name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        moment("created_at"),
        sa.UniqueConstraint("email", name="uq_accounts_email"),
        sa.CheckConstraint("email = lower(email)", name="ck_accounts_email_lower"),
        schema=SCHEMA,
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column(
            "user_id",
            sa.BigInteger,
            sa.ForeignKey(f"{SCHEMA}.accounts.user_id", ondelete="CASCADE"),
            nullable=False,
        ),
        moment("created_at"),
        moment("expires_at"),
        schema=SCHEMA,
    )
    op.create_table(
        "attempts",
        sa.Column("subject", sa.LargeBinary, primary_key=True),
        sa.Column("times", ARRAY(sa.DateTime(timezone=True)), nullable=False),
        moment("expires_at"),
        schema=SCHEMA,
    )
    op.create_table(
        "idempotency",
        sa.Column("user_id", sa.BigInteger, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("request_digest", sa.LargeBinary, nullable=False),
        sa.Column("outcome", JSONB),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        schema=SCHEMA,
    )
    for table, column in (
        ("refresh_tokens", "user_id"),
        ("refresh_tokens", "expires_at"),
        ("attempts", "expires_at"),
        ("idempotency", "created_at"),
    ):
        op.create_index(f"ix_{SCHEMA}_{table}_{column}", table, [column], schema=SCHEMA)


def downgrade() -> None:
    for table in ("idempotency", "attempts", "refresh_tokens", "accounts"):
        op.drop_table(table, schema=SCHEMA)
