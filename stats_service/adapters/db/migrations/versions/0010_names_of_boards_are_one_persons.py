"""No two people go by the same name on leaderboards."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service_kit.visible_text import appearance
from stats_service.leaderboards.domain import is_alias, is_anonymous_form

revision = "0010"
down_revision = "0009"

SETTINGS = sa.table(
    "leaderboard_settings",
    sa.column("user_id", sa.BigInteger),
    sa.column("alias", sa.Text),
    sa.column("alias_appearance", sa.Text),
    schema="stats",
)


def upgrade() -> None:
    op.add_column("leaderboard_settings", sa.Column("alias_appearance", sa.Text), schema="stats")
    keep_one_of_each(op.get_bind())
    op.create_unique_constraint(
        "uq_leaderboard_settings_alias_appearance",
        "leaderboard_settings",
        ["alias_appearance"],
        schema="stats",
    )


def keep_one_of_each(connection: sa.Connection) -> None:
    """Leaves a name to the account that is older; the others, and what is no name now, are anonymous."""
    named = sa.select(SETTINGS.c.user_id, SETTINGS.c.alias).where(SETTINGS.c.alias != "")
    taken: set[str] = set()
    for user_id, alias in connection.execute(named.order_by(SETTINGS.c.user_id)).all():
        look = appearance(alias)
        kept = is_alias(alias) and not is_anonymous_form(alias) and look not in taken
        taken.add(look)
        connection.execute(
            sa.update(SETTINGS)
            .where(SETTINGS.c.user_id == user_id)
            .values(alias=alias if kept else "", alias_appearance=look if kept else None)
        )


def downgrade() -> None:
    op.drop_column("leaderboard_settings", "alias_appearance", schema="stats")
