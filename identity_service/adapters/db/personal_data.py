"""The categories of personal data in identity's tables, and their export."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from sqlalchemy import Text, cast, or_
from sqlalchemy.ext.asyncio import AsyncEngine

from identity_service.adapters.db.accounts import SqlAccounts
from identity_service.adapters.db.tables import accounts, attempts, idempotency, refresh_tokens
from identity_service.application.ports.erasures import PersonalFiles
from identity_service.domain.accounts import Account
from identity_service.domain.attempts import account_subject, session_subject
from service_kit.db.data_categories import DataCategory, export_categories
from service_kit.db.idempotency import NOT_EXPORTED
from service_kit.personal_data import FileChunk

SCHEMA = "identity"


def categories_of(account: Account) -> Sequence[DataCategory]:
    """Returns an account's categories, in the order in which they are emptied."""
    subjects = (account_subject(account.email), session_subject(account.user_id))
    number = idempotency.c.outcome.op("->>", return_type=Text)("user_id")
    return (
        DataCategory("log_ins", "Devices that are logged in.", refresh_tokens, hidden=frozenset({"digest"})),
        DataCategory(
            "log_in_failures",
            "When somebody tried a wrong password of late.",
            attempts,
            owned=lambda _: attempts.c.subject.in_(subjects),
            hidden=frozenset({"subject"}),
        ),
        DataCategory(
            "requests",
            "Changes asked for under an Idempotency-Key in the last 72 hours, and the answers.",
            idempotency,
            # A sign-up is everybody's request; its outcome says whose account it made.
            owned=lambda user_id: or_(idempotency.c.user_id == user_id, number == cast(str(user_id), Text)),
            hidden=NOT_EXPORTED,
        ),
        DataCategory("account", "Your account.", accounts, hidden=frozenset({"password_hash"})),
    )


class OwnFiles(PersonalFiles):
    """Identity's part of an export."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def export(self, user_id: int) -> AsyncGenerator[FileChunk]:
        """Yields the account's files, none when there is no such account."""
        async with self._engine.connect() as connection:
            account = await SqlAccounts(connection).get(user_id)
        if account is None:
            return
        async with aclosing(
            export_categories(self._engine, SCHEMA, categories_of(account), user_id)
        ) as chunks:
            async for chunk in chunks:
                yield chunk
