"""The statements that read and write accounts, their refresh tokens, and attempts to log in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    DateTime,
    Integer,
    bindparam,
    delete,
    literal,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from identity_service.adapters.db.tables import accounts, attempts, erasure, refresh_tokens
from identity_service.application.ports.accounts import (
    Accounts,
    Attempts,
    RefreshTokens,
    RevocationPlace,
    StoredAccount,
)
from identity_service.domain.accounts import Account
from service_kit.revocations import Revocation

# No token has it.
_ERASED = 2**63 - 1

_ACCOUNT = (
    accounts.c.user_id,
    accounts.c.first_name,
    accounts.c.last_name,
    accounts.c.email,
    accounts.c.created_at,
    accounts.c.token_generation,
)

# Every service asks for these each second: the statements are made once.
_SINCE = bindparam("since", type_=DateTime(timezone=True))
_REVOKED = union_all(
    select(
        accounts.c.user_id, accounts.c.token_generation, accounts.c.tokens_revoked_at.label("revoked_at")
    ).where(accounts.c.tokens_revoked_at >= _SINCE),
    select(erasure.c.user_id, literal(_ERASED, BigInteger), erasure.c.erased_at).where(
        erasure.c.erased_at >= _SINCE
    ),
).subquery()
_REVOCATIONS = (
    select(_REVOKED)
    .order_by(_REVOKED.c.revoked_at, _REVOKED.c.user_id)
    .limit(bindparam("limit", type_=Integer))
)
_LATER_REVOCATIONS = _REVOCATIONS.where(
    tuple_(_REVOKED.c.revoked_at, _REVOKED.c.user_id)
    > tuple_(bindparam("revoked_at", type_=DateTime(timezone=True)), bindparam("user_id", type_=BigInteger))
)


class SqlAccounts(Accounts):
    """Accounts in the identity schema."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(
        self, *, first_name: str, last_name: str, email: str, password_hash: str, now: datetime
    ) -> Account | None:
        """Makes an account; None when the email has one, also one made at this moment."""
        statement = insert(accounts).values(
            first_name=first_name,
            last_name=last_name,
            email=email,
            password_hash=password_hash,
            created_at=now,
        )
        made = statement.on_conflict_do_nothing(index_elements=[accounts.c.email]).returning(*_ACCOUNT)
        row = (await self._connection.execute(made)).first()
        return Account(*row) if row else None

    async def get(self, user_id: int) -> Account | None:
        """Returns an account, None for an unknown number."""
        query = select(*_ACCOUNT).where(accounts.c.user_id == user_id)
        row = (await self._connection.execute(query)).first()
        return Account(*row) if row else None

    async def hold(self, user_id: int) -> bool:
        """Keeps an account from being erased until the commit; False when there is none (any more)."""
        there = select(accounts.c.user_id).where(accounts.c.user_id == user_id)
        held = await self._connection.execute(there.with_for_update(key_share=True, read=True))
        return held.first() is not None

    async def find(self, email: str) -> StoredAccount | None:
        """Returns the account with this email, if there is one."""
        query = select(accounts.c.password_hash, *_ACCOUNT).where(accounts.c.email == email)
        row = (await self._connection.execute(query)).first()
        return StoredAccount(Account(*row[1:]), row.password_hash) if row else None

    async def set_password_hash(self, user_id: int, password_hash: str) -> None:
        """Replaces the password."""
        changed = update(accounts).where(accounts.c.user_id == user_id).values(password_hash=password_hash)
        await self._connection.execute(changed)

    async def end_access_tokens(self, user_id: int, now: datetime) -> None:
        """Ends every access token of the user."""
        mine = update(accounts).where(accounts.c.user_id == user_id)
        next_one = accounts.c.token_generation + 1
        await self._connection.execute(mine.values(token_generation=next_one, tokens_revoked_at=now))

    async def revocations(
        self, since: datetime, after: RevocationPlace | None, limit: int | None
    ) -> Sequence[Revocation]:
        """Returns whose access tokens were ended, oldest first; an erased account's are for good."""
        query, values = _REVOCATIONS, dict[str, object](since=since, limit=limit)
        if after is not None:
            query = _LATER_REVOCATIONS
            values |= {"revoked_at": after.revoked_at, "user_id": after.user_id}
        return [Revocation(*row) for row in await self._connection.execute(query, values)]


class SqlRefreshTokens(RefreshTokens):
    """Refresh tokens in the identity schema."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, digest: bytes, user_id: int, now: datetime, expires_at: datetime) -> None:
        """Puts a token in force."""
        await self._connection.execute(
            insert(refresh_tokens).values(
                digest=digest, user_id=user_id, created_at=now, expires_at=expires_at
            )
        )

    async def owner(self, digest: bytes, now: datetime) -> Account | None:
        """Returns the account of a token in force."""
        query = (
            select(*_ACCOUNT)
            .join(refresh_tokens)
            .where(refresh_tokens.c.digest == digest, refresh_tokens.c.expires_at > now)
        )
        row = (await self._connection.execute(query)).first()
        return Account(*row) if row else None

    async def revoke(self, user_id: int, digest: bytes) -> None:
        """Ends a token if it is the user's."""
        mine = (refresh_tokens.c.user_id == user_id) & (refresh_tokens.c.digest == digest)
        await self._connection.execute(delete(refresh_tokens).where(mine))

    async def revoke_all(self, user_id: int) -> None:
        """Ends every token of the user."""
        await self._connection.execute(delete(refresh_tokens).where(refresh_tokens.c.user_id == user_id))

    async def delete_expired(self, now: datetime) -> int:
        """Deletes what expired; returns how many."""
        expired = delete(refresh_tokens).where(refresh_tokens.c.expires_at <= now)
        return (await self._connection.execute(expired)).rowcount


class SqlAttempts(Attempts):
    """Counted attempts in the identity schema, a row for each subject."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def read(self, subject: bytes) -> Sequence[datetime]:
        """Returns the times on record."""
        query = select(attempts.c.times).where(attempts.c.subject == subject)
        return await self._connection.scalar(query) or ()

    async def lock(self, subject: bytes, now: datetime) -> Sequence[datetime]:
        """Returns the times on record with their row locked, also when nothing was on record."""
        statement = insert(attempts).values(subject=subject, times=[], expires_at=now)
        # The update changes nothing and takes the lock; DO NOTHING would not.
        locked = statement.on_conflict_do_update(
            index_elements=[attempts.c.subject], set_={"subject": statement.excluded.subject}
        ).returning(attempts.c.times)
        times: Sequence[datetime] = (await self._connection.execute(locked)).scalar_one()
        return times

    async def write(self, subject: bytes, times: Sequence[datetime], expires_at: datetime) -> None:
        """Replaces the times of a locked subject."""
        statement = update(attempts).where(attempts.c.subject == subject)
        await self._connection.execute(statement.values(times=list(times), expires_at=expires_at))

    async def delete_expired(self, now: datetime) -> int:
        """Deletes what expired; returns how many."""
        return (await self._connection.execute(delete(attempts).where(attempts.c.expires_at <= now))).rowcount
