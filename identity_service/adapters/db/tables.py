"""Identity's schema."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY

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

idempotency = idempotency_table(metadata)
