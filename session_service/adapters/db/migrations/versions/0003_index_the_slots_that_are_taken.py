"""Index the slots that are taken"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLE, NAMES = "practice_session", ["user_id", "open_slot"]


def upgrade() -> None:
    # As the last step does: who holds a row and waits for the first would stand in the way of the last.
    op.execute("LOCK TABLE session.practice_session IN ACCESS EXCLUSIVE MODE")
    # The new one first: at no moment could a slot be taken twice.
    op.create_index(
        "practice_session_open_slot",
        TABLE,
        NAMES,
        unique=True,
        schema="session",
        postgresql_where=sa.text("open_slot IS NOT NULL"),
    )
    op.drop_constraint("practice_session_user_id_open_slot_key", TABLE, schema="session")


def downgrade() -> None:
    op.create_unique_constraint("practice_session_user_id_open_slot_key", TABLE, NAMES, schema="session")
    op.drop_index("practice_session_open_slot", TABLE, schema="session")
