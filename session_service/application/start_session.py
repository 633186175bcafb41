"""Starts a practice session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import Any

from service_kit.call import Call, reach
from service_kit.combiner import Combiner
from service_kit.errors import UnavailableError
from service_kit.logging import get_logger
from service_kit.once import once
from session_service.application.account_limits import AccountLimits
from session_service.application.calendars import RememberCalendar
from session_service.application.end_session import end_session
from session_service.application.find_content import find_content
from session_service.application.ports.answers import NothingWrittenError
from session_service.application.ports.catalog import Catalog, Content
from session_service.application.ports.changes import FoundPlace, SessionStart, StartStore
from session_service.application.ports.clock import Clock
from session_service.application.ports.learners import LearnerMark
from session_service.application.ports.products import Products
from session_service.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from session_service.domain.days import Calendar
from session_service.domain.errors import (
    ContentNotFoundError,
    ModeUnknownError,
    ProductUnknownError,
    SessionAlreadyOpenError,
)
from session_service.domain.items import ContentItem, Selection, SessionItem
from session_service.domain.policies import Product, SecondStart
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import State

log = get_logger(__name__)

# An open session can end between our insert and our look at it; more than a
# few times in a row means somebody races us on purpose.
_ATTEMPTS = 5


class OnConflict(Enum):
    """What to do while the product's open session is taken."""

    POLICY = "policy"
    REJECT = "reject"
    ABANDON = "abandon"


@dataclass(frozen=True, slots=True)
class Started:
    """A session that is open now; `resumed` when it was open before.

    `first_item` is the first of its picked items.
    """

    session: PracticeSession
    resumed: bool
    first_item: SessionItem | None = None


_DEFAULT_SELECTION = Selection()


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What is known before a session is made: its product, if there is one, its content and picked items."""

    product: Product | None
    content: Content | None = None
    items: Sequence[SessionItem] = ()


class StartSession:
    """Starts a session, or resumes or refuses as the product's policy says.

    Two starts at the same instant are decided by the database: one open
    session per slot. Idempotent by the call's key. Raises the errors of what
    the product does not allow, ContentNotFoundError, SessionAlreadyOpenError.
    """

    def __init__(
        self,
        combined: CombinedStarts,
        unit_of_work: UnitOfWorkFactory,
        products: Products,
        catalog: Catalog,
        clock: Clock,
        *,
        limits: AccountLimits,
        remember_calendar: RememberCalendar,
    ) -> None:
        self._combined = combined
        self._unit_of_work = unit_of_work
        self._products = products
        self._catalog = catalog
        self._clock = clock
        self._limits = limits
        self._remember_calendar = remember_calendar

    async def __call__(
        self,
        call: Call,
        *,
        product: str,
        mode: str = "",
        mode_required: bool = False,
        content: str = "",
        content_second: int | None = None,
        planned_seconds: int | None = None,
        on_conflict: OnConflict = OnConflict.POLICY,
        selection: Selection = _DEFAULT_SELECTION,
        settings: dict[str, Any] | None = None,
    ) -> Started:
        """Returns the session started or resumed.

        Without a mode, it is the product's default, unless one is required.
        Content that was not made in `content_second`, where one is given, does not exist.
        """

        def make(prepared: _Prepared, calendar: Calendar) -> PracticeSession:
            found, known = prepared.product, prepared.content
            if found is None:
                raise ProductUnknownError(product)
            if mode_required and not mode:
                raise ModeUnknownError(mode, found.policy.modes)
            fresh = PracticeSession.start(
                user_id=call.user_id,
                product=found,
                mode=mode,
                content=content,
                planned_seconds=planned_seconds,
                calendar=calendar,
                now=self._clock(),
                content_title=known.title if known else "",
                content_type=known.type if known else "",
                content_created_at=known.created_at if known else None,
                settings=settings,
                item_count=len(prepared.items),
            )
            if content and known is None:
                raise ContentNotFoundError(content)
            return fresh

        async def prepare() -> _Prepared:
            found = (await self._products.find([product])).get(product)
            known, offered = await self._find_content(found, content, content_second)
            return _Prepared(found, known, _number(selection.pick(offered)))

        # Asked outside of the transaction, told inside: a repeated request gets
        # its first answer even when the content is gone by now.
        prepared = await prepare() if content else None
        async with self._limits.starting(call, product):
            started = await self._combined(call, product, prepared, make)
            if started is None:
                # In a transaction of its own: this one may wait for a session that somebody ends.
                await self._remember_calendar.of_call(call)
                alone = prepared or await prepare()
                started = await self._start_alone(call, alone, partial(make, alone), on_conflict)
        self._limits.know(started.session)
        return started

    async def _start_alone(
        self,
        call: Call,
        prepared: _Prepared,
        make: Callable[[Calendar], PracticeSession],
        on_conflict: OnConflict,
    ) -> Started:
        async def command(work: UnitOfWork) -> Started:
            fresh = make(await work.learners.calendar(call.user_id))
            started = await self._open(work, call, fresh, on_conflict)
            if not started.resumed:
                await self._limits.keep_open(work, call.user_id)
            if started.resumed or not prepared.items:
                return started
            await work.sessions.add_items(started.session, prepared.items)
            return replace(started, first_item=prepared.items[0])

        return await once(self._unit_of_work, call, Started, command)

    async def _find_content(
        self, product: Product | None, content: str, second: int | None
    ) -> tuple[Content | None, Sequence[ContentItem]]:
        """Returns what the catalog says of the content, and its items where the product picks some."""
        if not content:
            return None, ()
        known = await find_content(self._catalog, content, second)
        if known is None or product is None or not product.policy.picks_items:
            return known, ()
        offered = await self._catalog.content_items(content)
        # Without items there is nothing to practise.
        return (known if offered else None), offered

    async def _open(
        self, work: UnitOfWork, call: Call, fresh: PracticeSession, on_conflict: OnConflict
    ) -> Started:
        for _ in range(_ATTEMPTS):
            stored = await work.sessions.add(fresh)
            if stored is not None:
                return Started(stored, resumed=False)
            assert fresh.open_slot is not None
            taken = await work.sessions.lock_open(fresh.user_id, fresh.open_slot)
            if taken is None:
                continue
            if on_conflict is OnConflict.ABANDON:
                await end_session(work, call, taken, State.ABANDONED, now=self._clock())
            elif on_conflict is OnConflict.POLICY and fresh.policy.second_start is SecondStart.RESUME:
                return Started(taken, resumed=True)
            else:
                raise SessionAlreadyOpenError(taken.id)
        raise UnavailableError("Sessions are being started and ended at this very moment; try again")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one call wants to begin; `make` raises what the product refuses it with."""

    call: Call
    product: str
    prepared: _Prepared | None
    make: Callable[[_Prepared, Calendar], PracticeSession]


class CombinedStarts:
    """Starts the sessions of all callers of a moment with one read and one write.

    What is not plain is left to a transaction of the caller's own: repeats,
    an open slot that is taken, a learner's first session in a product, one
    start of two by a learner, one that brings another zone, whatever is refused,
    and products in which a second start resumes, for there most do.
    """

    def __init__(self, store: StartStore, most_open: int | None = None, most: int = 64) -> None:
        self._store = store
        self._most_open = most_open
        self._combine = Combiner(self._start, most=most)

    async def __call__(
        self,
        call: Call,
        product: str,
        prepared: _Prepared | None,
        make: Callable[[_Prepared, Calendar], PracticeSession],
    ) -> Started | None:
        """Returns the session that was started; None when none was.

        Where nothing is prepared, there is only the product to know, which is read along with the rest.
        """
        if prepared is not None and not _is_plain(prepared.product):
            return None
        started, learner = await self._combine(_Asked(call, product, prepared, make))
        if learner is not None:
            reach(learner.last_seq, learner.calendar.time_zone)
        return started

    async def _start(self, asked: Sequence[_Asked]) -> Sequence[tuple[Started | None, LearnerMark | None]]:
        try:
            places = await self._store.read([(each.call, each.product) for each in asked])
            starts = self._make_all(asked, places)
            fresh = [start for start in starts if start is not None]
            written = await self._store.write(fresh) if fresh else ()
        except NothingWrittenError as error:
            log.warning("starts_not_combined", calls=len(asked), error=repr(error.__cause__))
            return [(None, None)] * len(asked)
        return [
            (
                _to_started(start.session, start.items)
                if start is not None and start.session.id in written
                else None,
                place.learner if place is not None else None,
            )
            for start, place in zip(starts, places, strict=True)
        ]

    def _make_all(
        self, asked: Sequence[_Asked], places: Sequence[FoundPlace | None]
    ) -> Sequence[SessionStart | None]:
        """Makes the sessions; one of a learner, for the next would see another number of them."""
        starting: set[int] = set()
        starts: list[SessionStart | None] = []
        for each, place in zip(asked, places, strict=True):
            start = None
            if place is not None and each.call.user_id not in starting:
                start = self._make(each, place)
            if start is not None:
                starting.add(start.session.user_id)
            starts.append(start)
        return starts

    def _make(self, asked: _Asked, place: FoundPlace) -> SessionStart | None:
        if self._most_open is not None and place.open_count >= self._most_open:
            return None
        prepared = asked.prepared or _Prepared(place.product)
        if not _is_plain(prepared.product) or asked.call.brings_zone(place.learner.calendar.time_zone):
            return None
        try:
            session = replace(asked.make(prepared, place.learner.calendar), id=place.number)
        except Exception:
            # Of the rules or of ours: done alone it comes again, to its caller and to the log.
            return None
        request = asked.call.request
        keyed = (request, _to_started(session, prepared.items), Started) if request else None
        return SessionStart(session, prepared.items, place, keyed)


def _is_plain(product: Product | None) -> bool:
    return product is not None and product.policy.second_start is not SecondStart.RESUME


def _to_started(session: PracticeSession, items: Sequence[SessionItem]) -> Started:
    return Started(session, resumed=False, first_item=items[0] if items else None)


def _number(picked: Sequence[ContentItem]) -> list[SessionItem]:
    return [SessionItem(position, item.item, item.prompt) for position, item in enumerate(picked, start=1)]
