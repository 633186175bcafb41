"""Access tokens carry their account's generation, which whatever ends them raises."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

SCHEMA = "identity"


def upgrade() -> None:
    generation = sa.Column("token_generation", sa.BigInteger, nullable=False, server_default="0")
    op.add_column("accounts", generation, schema=SCHEMA)
    op.add_column("accounts", sa.Column("tokens_revoked_at", sa.DateTime(timezone=True)), schema=SCHEMA)
    op.create_index("ix_accounts_tokens_revoked_at", "accounts", ["tokens_revoked_at"], schema=SCHEMA)
    op.create_index("ix_erasure_erased_at", "erasure", ["erased_at"], schema=SCHEMA)


def downgrade() -> None:
    op.drop_index("ix_erasure_erased_at", table_name="erasure", schema=SCHEMA)
    op.drop_index("ix_accounts_tokens_revoked_at", table_name="accounts", schema=SCHEMA)
    for column in ("tokens_revoked_at", "token_generation"):
        op.drop_column("accounts", column, schema=SCHEMA)
