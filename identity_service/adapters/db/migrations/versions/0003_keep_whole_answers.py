"""Keep whole answers beside the outcomes of requests that may be sent again"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("idempotency", sa.Column("answer", sa.LargeBinary()), schema="identity")
    op.add_column("idempotency", sa.Column("answer_headers", JSONB()), schema="identity")


def downgrade() -> None:
    op.drop_column("idempotency", "answer_headers", schema="identity")
    op.drop_column("idempotency", "answer", schema="identity")
