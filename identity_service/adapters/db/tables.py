"""Identity's schema."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from service_kit.db.idempotency import idempotency_table

metadata = MetaData(schema="identity")

accounts = Table(
    "accounts",
    metadata,
    Column("user_id", BigInteger, Identity(always=True), primary_key=True),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    # Access tokens of a lower one are ended.
    Column("token_generation", BigInteger, nullable=False, server_default=text("0")),
    Column("tokens_revoked_at", DateTime(timezone=True)),
    Index("ix_accounts_tokens_revoked_at", "tokens_revoked_at"),
    UniqueConstraint("email", name="uq_accounts_email"),
    CheckConstraint("email = lower(email)", name="ck_accounts_email_lower"),
)

# Only tokens in force: a revoked one is gone.
refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    # SHA-256 of the token.
    Column("digest", LargeBinary, primary_key=True),
    Column("user_id", ForeignKey(accounts.c.user_id, ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
)

attempts = Table(
    "attempts",
    metadata,
    # A digest of the account or the address that is counted.
    Column("subject", LargeBinary, primary_key=True),
    # No more than the limit that applies to the subject.
    Column("times", ARRAY(DateTime(timezone=True)), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
)

# Receipts: that an account was erased, and nothing else of it. Its number is never used again.
erasure = Table(
    "erasure",
    metadata,
    Column("receipt_id", Uuid, primary_key=True),
    Column("user_id", BigInteger, nullable=False, unique=True),
    Column("erased_at", DateTime(timezone=True), nullable=False),
    # When the last service had forgotten the user.
    Column("completed_at", DateTime(timezone=True)),
    Index("ix_erasure_erased_at", "erased_at"),
)

# One row for each service that has to forget the user.
erasure_part = Table(
    "erasure_part",
    metadata,
    Column("receipt_id", ForeignKey(erasure.c.receipt_id), primary_key=True),
    Column("service", Text, primary_key=True),
    Column("removed", JSONB(none_as_null=True)),
    Column("corrected", JSONB(none_as_null=True)),
    Column("answered_at", DateTime(timezone=True)),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("next_attempt_at", DateTime(timezone=True), nullable=False),
    Index("ix_erasure_part_due", "next_attempt_at", postgresql_where=text("answered_at IS NULL")),
)

idempotency = idempotency_table(metadata)
