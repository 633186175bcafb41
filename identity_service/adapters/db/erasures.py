"""The statements that erase accounts and keep the receipts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Interval, func, insert, literal, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from identity_service.adapters.db.personal_data import SCHEMA, categories_of
from identity_service.adapters.db.tables import accounts, erasure, erasure_part
from identity_service.application.ports.erasures import Erasures, Unanswered
from identity_service.domain.accounts import Account
from identity_service.domain.erasure import Erasure
from service_kit.db.data_categories import remove_batch
from service_kit.personal_data import Report

_AT_ONCE = 20
_FIRST_PAUSE_SECONDS = 15.0
_LONGEST_PAUSE_SECONDS = 300.0


class SqlErasures(Erasures):
    """Erasures in the identity schema."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def begin(
        self, account: Account, others: Sequence[str], now: datetime, retry_at: datetime
    ) -> Erasure:
        """Deletes the account and all that hangs on it, and notes that the others have to forget it too."""
        # Whoever writes something of it is done first, so that it is found.
        mine = select(accounts.c.user_id).where(accounts.c.user_id == account.user_id)
        await self._connection.execute(mine.with_for_update())
        removed: dict[str, int] = {}
        for category in categories_of(account):
            removed[category.name] = 0
            while count := (await remove_batch(self._connection, category, account.user_id))[category.name]:
                removed[category.name] += count
        receipt_id = uuid4()
        number = {"receipt_id": receipt_id, "user_id": account.user_id}
        await self._connection.execute(insert(erasure).values(**number, erased_at=now))
        own = {"removed": removed, "corrected": {}, "answered_at": now}
        none = dict.fromkeys(own)
        parts = [{"service": SCHEMA, **own}, *({"service": service, **none} for service in others)]
        place = {"receipt_id": receipt_id, "next_attempt_at": retry_at}
        await self._connection.execute(insert(erasure_part), [{**part, **place} for part in parts])
        reports = {SCHEMA: Report(removed), **dict.fromkeys(others)}
        return Erasure(receipt_id, account.user_id, now, None, reports)

    async def of_account(self, user_id: int) -> Erasure | None:
        """Returns an account's erasure, if it was erased."""
        return await self._find(erasure.c.user_id == user_id)

    async def get(self, receipt_id: UUID) -> Erasure | None:
        """Returns an erasure, None for an unknown receipt."""
        return await self._find(erasure.c.receipt_id == receipt_id)

    async def claim_due(self, now: datetime) -> Sequence[Unanswered]:
        """Returns what is due to be asked again, and puts it off, each time twice as long."""
        key = erasure_part.c.receipt_id, erasure_part.c.service
        due = (
            select(*key)
            .where(erasure_part.c.answered_at.is_(None), erasure_part.c.next_attempt_at <= now)
            .order_by(erasure_part.c.next_attempt_at)
            .limit(_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        seconds = func.least(
            _FIRST_PAUSE_SECONDS * func.power(2, func.least(erasure_part.c.attempts, 10)),
            _LONGEST_PAUSE_SECONDS,
        )
        pause = func.make_interval(0, 0, 0, 0, 0, 0, seconds, type_=Interval)
        claimed = (
            update(erasure_part)
            .where(tuple_(*key).in_(due), erasure.c.receipt_id == erasure_part.c.receipt_id)
            .values(
                attempts=erasure_part.c.attempts + 1,
                next_attempt_at=literal(now, erasure_part.c.next_attempt_at.type) + pause,
            )
            .returning(erasure_part.c.receipt_id, erasure.c.user_id, erasure_part.c.service)
        )
        return [Unanswered(*row) for row in await self._connection.execute(claimed)]

    async def answer(self, receipt_id: UUID, service: str, report: Report, now: datetime) -> None:
        """Notes what a service did; with the last one, that the erasure is complete. Idempotent."""
        # Answers come at the same time: each has to see the others'.
        mine = erasure.c.receipt_id == receipt_id
        await self._connection.execute(select(erasure.c.receipt_id).where(mine).with_for_update())
        part = (erasure_part.c.receipt_id == receipt_id) & (erasure_part.c.service == service)
        told = {"removed": dict(report.removed), "corrected": dict(report.corrected), "answered_at": now}
        await self._connection.execute(
            update(erasure_part).where(part, erasure_part.c.answered_at.is_(None)).values(**told)
        )
        waiting = select(erasure_part.c.service).where(
            erasure_part.c.receipt_id == receipt_id, erasure_part.c.answered_at.is_(None)
        )
        complete = update(erasure).where(mine, erasure.c.completed_at.is_(None), ~waiting.exists())
        await self._connection.execute(complete.values(completed_at=now))

    async def _find(self, which: ColumnElement[bool]) -> Erasure | None:
        row = (await self._connection.execute(select(erasure).where(which))).first()
        if row is None:
            return None
        parts = select(erasure_part).where(erasure_part.c.receipt_id == row.receipt_id)
        reports = {
            part.service: Report(part.removed, part.corrected) if part.answered_at else None
            for part in await self._connection.execute(parts.order_by(erasure_part.c.service))
        }
        return Erasure(row.receipt_id, row.user_id, row.erased_at, row.completed_at, reports)
