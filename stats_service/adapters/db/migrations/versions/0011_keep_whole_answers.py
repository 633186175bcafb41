"""Keep whole answers beside the outcomes of requests that may be sent again"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("idempotency", sa.Column("answer", sa.LargeBinary()), schema="stats")
    op.add_column("idempotency", sa.Column("answer_headers", JSONB()), schema="stats")


def downgrade() -> None:
    op.drop_column("idempotency", "answer_headers", schema="stats")
    op.drop_column("idempotency", "answer", schema="stats")
