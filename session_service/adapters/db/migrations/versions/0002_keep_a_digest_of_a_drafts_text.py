"""Keep a digest of a draft's text"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Without one a draft is read to be compared, until it is saved again.
    op.add_column("draft", sa.Column("text_digest", sa.LargeBinary), schema="session")


def downgrade() -> None:
    op.drop_column("draft", "text_digest", schema="session")
