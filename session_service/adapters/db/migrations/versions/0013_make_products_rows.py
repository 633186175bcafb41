"""Make products rows, and let a session name the version that it began with"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# What a row says that says nothing.
_PLAIN = {
    "open_scope": "any_number",
    "second_start": "reject",
    "modes": [],
    "content": None,
    "content_required": False,
    "items": None,
    "picks_items": False,
    "submits": False,
    "planned": None,
    "elapsed": "measured",
    "elapsed_bounds": {"minimum": 0, "maximum": 2**31 - 1},
    "pause_again": "nothing",
    "outcomes": ["completed", "abandoned"],
    "counted": ["completed"],
    "counts_unanswered": True,
}

# The products that there were before they were rows: stored sessions go on by these. A database that is made
# now has them as well, and what content says of them later is a version 2.
FIRST_VERSIONS: dict[str, dict[str, Any]] = {
    "exercises": {
        "modes": ["practice", "review", "test"],
        "items": "exercises",
        "counts_unanswered": False,
    },
    "portal": {
        "content": "activities",
        "content_required": True,
        "items": "words",
        "picks_items": True,
        "counts_unanswered": False,
    },
    "yoga": {
        "content": "sequences",
        "elapsed": "reported",
        "elapsed_bounds": {"minimum": 0, "maximum": 14_400},
        "pause_again": "records_elapsed",
        "outcomes": ["completed", "partial", "abandoned"],
    },
    "focus": {
        "open_scope": "one_per_user",
        "planned": {"minimum": 60, "maximum": 86_400},
        "elapsed": "rising",
        "elapsed_bounds": {"minimum": 0, "maximum": 86_400},
    },
    "design": {
        "open_scope": "one_per_content",
        "second_start": "resume",
        "content": "problems",
        "content_required": True,
        "elapsed": "largest",
        "pause_again": "records_elapsed",
        "submits": True,
    },
}


def upgrade() -> None:
    table = op.create_table(
        "product_version",
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("policy", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "published_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("retired_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("product", "version", name=op.f("product_version_pkey")),
        schema="session",
    )
    op.bulk_insert(
        table,
        [
            {"product": product, "version": 1, "policy": {"product": product, **_PLAIN, **row}}
            for product, row in FIRST_VERSIONS.items()
        ],
    )
    op.add_column(
        "practice_session",
        sa.Column("policy_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        schema="session",
    )


def downgrade() -> None:
    op.drop_column("practice_session", "policy_version", schema="session")
    op.drop_table("product_version", schema="session")
