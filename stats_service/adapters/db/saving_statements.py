"""Statements that hold a learner while their progress is derived, and save it."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, cast

import psycopg
from sqlalchemy import (
    BigInteger,
    ClauseElement,
    ColumnElement,
    Connection,
    DateTime,
    Executable,
    Insert,
    Integer,
    Select,
    Text,
    TextClause,
    Update,
    any_,
    bindparam,
    column,
    func,
    literal,
    select,
    text,
    union,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from stats_service.adapters.db import derived as derived_rows
from stats_service.adapters.db.badge_statements import catalogue_revision
from stats_service.adapters.db.fact_columns import driver_of
from stats_service.adapters.db.fact_statements import add_facts
from stats_service.adapters.db.rows import Values
from stats_service.adapters.db.tables import (
    calendar_change,
    completion,
    learner,
    standing,
)
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.derived import Derived
from stats_service.domain.digest import digest_of, digests, kinds_of
from stats_service.domain.facts import Facts, instant_of

_DRIVER = PGDialect_psycopg()  # type: ignore[no-untyped-call]
_NAMED = re.compile(r"%\((\w+)\)s")
# What is executed for every event is built once.
_USERS = bindparam("users", type_=ARRAY(BigInteger))


# A statement and its values.
Sent = tuple[Executable, Mapping[str, Any]]
BEGIN, COMMIT = text("BEGIN"), text("COMMIT")


def run_together(connection: Connection, statements: Sequence[Sent]) -> Sequence[psycopg.Cursor[Any]]:
    """Sends statements in one round trip, in their order; returns the cursor of each.

    Each sees what those before it did, and what was committed meanwhile, as if it was sent alone. After one
    that fails none is run.
    """
    driver = driver_of(connection)
    with together(driver):
        return [send(driver, each, values) for each, values in statements]


@contextmanager
def together(driver: psycopg.Connection[Any]) -> Iterator[None]:
    """Sends the statements of a block at its end, at once, and waits for all of them.

    A pipeline of the driver's sends each by itself, so that the server is woken by each. It has no other
    way to say so: its version is pinned, and a test counts what is sent.
    """
    with driver.pipeline() as pipeline:
        pipeline._communicate_gen = _later  # type: ignore[method-assign]
        try:
            yield
        finally:
            del pipeline._communicate_gen
        commands = tuple(pipeline.command_queue)
        pipeline.command_queue.clear()
        pipeline.command_queue.append(partial(_all, commands))


def _all(commands: Sequence[Callable[[], None]]) -> None:
    """Gives the driver's library what it sends."""
    for command in commands:
        command()


def _later() -> Generator[Any, Any, None]:
    """Sends nothing yet."""
    yield from ()


def send(
    driver: psycopg.Connection[Any], statement: Executable, values: Mapping[str, Any]
) -> psycopg.Cursor[Any]:
    """Gives the driver a statement, which is kept for good."""
    sql, names, constants = _for_driver(statement)
    given = [values[name] if name in values else constants[name] for name in names]
    return psycopg.RawCursor(driver).execute(sql, given)


@cache
def _for_driver(statement: Executable) -> tuple[bytes, Sequence[str], Mapping[str, Any]]:
    """Returns a statement, which is kept for good, with numbers for its parameters; their names; constants.

    The driver would look for names in a long statement each time.
    """
    compiled = cast("ClauseElement", statement).compile(dialect=_DRIVER)
    names = list(dict.fromkeys(_NAMED.findall(str(compiled))))
    numbered = _NAMED.sub(lambda found: f"${names.index(found[1]) + 1}", str(compiled))
    return numbered.replace("%%", "%").encode(), names, compiled.params


@cache
def make_learners() -> Insert:
    """Makes the rows of `users` unless they are there.

    No progress at all is up to date with any catalogue, so also with that of this `revision`,
    the present one when NULL.
    """
    given_revision = bindparam("revision", type_=BigInteger())
    revision = func.coalesce(given_revision, catalogue_revision().scalar_subquery())
    given = select(func.unnest(_USERS), revision)
    return insert(learner).from_select(["user_id", "catalogue_revision"], given).on_conflict_do_nothing()


@cache
def make_learners_as_of_now() -> Select[Any]:
    """Makes the rows of `users` with the present `revision` (NULL), and returns that."""
    return catalogue_revision().add_cte(make_learners().cte("made"))


@cache
def lock_learners() -> Select[Any]:
    """Locks the rows of `users` until the transaction ends; returns what their progress was saved with.

    Whoever was erased has no row, though it was just made: a trigger skips it.
    """
    saved = learner.c.user_id, learner.c.catalogue_revision, learner.c.progress_digest
    mine = select(*saved).where(learner.c.user_id == any_(_USERS))
    return mine.order_by(learner.c.user_id).with_for_update()


@cache
def lock_and_add() -> Select[Any]:
    """Locks the rows of `users` as `lock_learners` does, then adds facts as `add_facts` does.

    Unless somebody was erased: then it adds none. Returns with each learner the ids of those that it added.
    """
    locked = lock_learners().cte("locked")
    # Asked once, before the first fact is added: by then all are locked.
    everybody = select(func.count()).select_from(locked).scalar_subquery() == func.cardinality(_USERS)
    added = add_facts(everybody).cte("added")
    ids = func.array_remove(func.array_agg(added.c.event_id), None)
    held = locked.c.user_id, locked.c.catalogue_revision, locked.c.progress_digest
    both = locked.outerjoin(added, added.c.user_id == locked.c.user_id)
    return select(*held, ids).select_from(both).group_by(*held).order_by(locked.c.user_id)


@cache
def session_counts() -> Select[Any]:
    """Returns how many sessions of `users` are counted."""
    counts = select(standing.c.user_id, standing.c.session_count)
    return counts.where(standing.c.user_id == any_(_USERS), standing.c.product == ALL_PRODUCTS)


@cache
def audit_freezes() -> TextClause:
    """Writes down which freezes are used and which refunded, compared with what is stored."""
    return text(
        """
        WITH was AS (
            SELECT user_id, product, unnest(frozen) AS day FROM stats.standing WHERE user_id = ANY(:users)
        ), becomes AS (
            SELECT * FROM unnest(
                cast(:owners AS bigint[]), cast(:products AS text[]), cast(:days AS date[])
            ) AS given (user_id, product, day)
        )
        INSERT INTO stats.freeze_ledger (user_id, product, day, change)
        SELECT *, 'refunded' FROM (SELECT * FROM was EXCEPT SELECT * FROM becomes) AS refunded
        UNION ALL
        SELECT *, 'used' FROM (SELECT * FROM becomes EXCEPT SELECT * FROM was) AS used
        ORDER BY 1, 2, 3
        """
    )


def freezes_of(users: Sequence[int], derived: Derived) -> Values:
    """Returns the values for audit_freezes."""
    used = [(*owner, day) for owner, days in derived.frozen.items() for day in days]
    owners, products, days = zip(*used, strict=True) if used else ((), (), ())
    return {"users": list(users), "owners": list(owners), "products": list(products), "days": list(days)}


@cache
def save_learners(*, whole: bool, rows: bool) -> Update:
    """Writes what learners' rows say of their progress, and returns how far their facts are complete.

    With `whole`, nothing of that is believed; otherwise it is not less than it was. With `rows`, it
    changes the derived ones too, and returns how many with each learner.
    """
    parts = derived_rows.changing(whole=whole) if rows else ()
    changed = sum((select(func.count()).select_from(each).scalar_subquery() for each in parts), literal(0))
    given = func.unnest(
        *(bindparam(name, type_=ARRAY(kind)) for name, kind in _LEARNER_VALUES.items())
    ).table_valued(*(column(name, kind) for name, kind in _LEARNER_VALUES.items()), name="given")
    given = given.render_derived()
    return (
        update(learner)
        .add_cte(*parts)
        .where(learner.c.user_id == given.c.whose)
        .values(
            time_zone=func.coalesce(given.c.zone, learner.c.time_zone),
            rollover_hour=func.coalesce(given.c.hour, learner.c.rollover_hour),
            latest_end_time=given.c.latest,
            catalogue_revision=given.c.revision,
            progress_digest=given.c.digest,
            applied_through=_complete_through(literal(0) if whole else learner.c.applied_through),
            version=learner.c.version + 1,
        )
        .returning(learner.c.user_id, learner.c.applied_through, changed)
    )


_LEARNER_VALUES: Mapping[str, Any] = {
    "whose": BigInteger(),
    "zone": Text(),
    "hour": Integer(),
    "latest": DateTime(timezone=True),
    "revision": BigInteger(),
    "digest": BigInteger(),
}


def latest_of(users: Sequence[int], facts: Facts, derived: Derived, revision: int) -> Values:
    """Returns the values for save_learners."""
    latest = {user: rows.stop - 1 for user, rows in facts.learners}
    learners, found = digests(kinds_of(derived))
    calendars = [facts.calendars[facts.calendar[latest[user]]] if user in latest else None for user in users]
    return {
        "whose": derived_rows.bigints(users),
        "zone": [calendar and calendar.time_zone for calendar in calendars],
        "hour": [calendar and calendar.rollover_hour for calendar in calendars],
        "latest": [instant_of(int(facts.end[latest[user]])) if user in latest else None for user in users],
        "revision": derived_rows.bigints([revision] * len(users)),
        "digest": derived_rows.bigints([digest_of(user, learners, found) for user in users]),
    }


def _complete_through(start: ColumnElement[int]) -> ColumnElement[int]:
    """The highest n with facts for 1..n, of which those up to `start` are known to be there.

    Completions and changes of calendar share the sequence.
    """
    places = union(
        *(
            select(kind.c.user_seq)
            .where(kind.c.user_id == learner.c.user_id, kind.c.user_seq > start)
            .correlate(learner)
            for kind in (completion, calendar_change)
        )
    ).lateral()
    place = func.row_number().over(order_by=places.c.user_seq)
    beyond = select(places.c.user_seq, place.label("place")).correlate(learner).lateral()
    unbroken = (
        select(func.max(beyond.c.user_seq))
        .where(beyond.c.user_seq == start + beyond.c.place)
        .correlate(learner)
        .scalar_subquery()
    )
    return func.coalesce(unbroken, start)
