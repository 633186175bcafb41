"""Tombstones of people who were erased, and the triggers that heed them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from service_kit.db.erasure import guard_statements, unguard_statements

revision = "0003"
down_revision = "0002"

SCHEMA = "catalog"


def upgrade() -> None:
    op.create_table(
        "erased_user",
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("removed", JSONB, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("corrected", JSONB, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        schema=SCHEMA,
    )
    for statement in (
        *guard_statements(SCHEMA, ["problems"], column="owner_id"),
        *guard_statements(SCHEMA, ["idempotency"]),
    ):
        op.execute(statement)


def downgrade() -> None:
    for statement in (
        *unguard_statements(SCHEMA, ["problems"], column="owner_id"),
        *unguard_statements(SCHEMA, ["idempotency"]),
    ):
        op.execute(statement)
    op.drop_table("erased_user", schema=SCHEMA)
