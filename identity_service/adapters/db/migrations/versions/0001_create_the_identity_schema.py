"""Create the identity schema"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("user_id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("first_name", sa.Text, nullable=False),
        sa.Column("last_name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("token_generation", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("tokens_revoked_at", INSTANT),
        sa.CheckConstraint("email = lower(email)", name="ck_accounts_email_lower"),
        sa.PrimaryKeyConstraint("user_id"),
        sa.UniqueConstraint("email", name="uq_accounts_email"),
        schema="identity",
    )
    op.create_index("ix_accounts_tokens_revoked_at", "accounts", ["tokens_revoked_at"], schema="identity")
    op.create_table(
        "attempts",
        sa.Column("subject", sa.LargeBinary, nullable=False),
        sa.Column("times", ARRAY(INSTANT), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("subject"),
        schema="identity",
    )
    op.create_index("ix_identity_attempts_expires_at", "attempts", ["expires_at"], schema="identity")
    op.create_table(
        "erasure",
        sa.Column("receipt_id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("erased_at", INSTANT, nullable=False),
        sa.Column("completed_at", INSTANT),
        sa.PrimaryKeyConstraint("receipt_id"),
        sa.UniqueConstraint("user_id"),
        schema="identity",
    )
    op.create_index("ix_erasure_erased_at", "erasure", ["erased_at"], schema="identity")
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
        schema="identity",
    )
    op.create_index("ix_identity_idempotency_created_at", "idempotency", ["created_at"], schema="identity")
    op.create_table(
        "erasure_part",
        sa.Column("receipt_id", sa.Uuid, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("removed", JSONB()),
        sa.Column("corrected", JSONB()),
        sa.Column("answered_at", INSTANT),
        sa.Column("attempts", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("next_attempt_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["receipt_id"], ["identity.erasure.receipt_id"]),
        sa.PrimaryKeyConstraint("receipt_id", "service"),
        schema="identity",
    )
    op.create_index(
        "ix_erasure_part_due",
        "erasure_part",
        ["next_attempt_at"],
        schema="identity",
        postgresql_where=sa.text("answered_at IS NULL"),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["identity.accounts.user_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("digest"),
        schema="identity",
    )
    op.create_index(
        "ix_identity_refresh_tokens_expires_at", "refresh_tokens", ["expires_at"], schema="identity"
    )
    op.create_index("ix_identity_refresh_tokens_user_id", "refresh_tokens", ["user_id"], schema="identity")


def downgrade() -> None:
    for table in ("refresh_tokens", "erasure_part", "idempotency", "erasure", "attempts", "accounts"):
        op.drop_table(table, schema="identity")
