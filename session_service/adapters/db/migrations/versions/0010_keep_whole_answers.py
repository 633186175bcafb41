"""Keep whole answers beside the outcomes of requests that may be sent again"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("idempotency", sa.Column("answer", sa.LargeBinary()), schema="session")
    op.add_column("idempotency", sa.Column("answer_headers", JSONB()), schema="session")


def downgrade() -> None:
    op.drop_column("idempotency", "answer_headers", schema="session")
    op.drop_column("idempotency", "answer", schema="session")
