"""Tokens that were ended before they expire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from service_kit.errors import TokenEndedError, UnauthenticatedError, UnavailableError
from service_kit.grpc.guards import Access
from service_kit.revocations import OVERLAP, Revocation, RevocationPoller, Revocations
from service_kit.tokens import TokenVerifier
from tests.tokens import ISSUER, TestTokens

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
DAY = timedelta(hours=24)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def table(clock: Clock) -> Revocations:
    return Revocations(DAY, clock)


def ended(user_id: int, generation: int = 1, at: datetime = NOON) -> Revocation:
    return Revocation(user_id, generation, at)


def test_tokens_of_an_earlier_generation_are_ended_and_no_others(table: Revocations) -> None:
    table.note([ended(7, 2)])

    assert [table.has_ended(7, generation) for generation in (0, 1, 2, 3)] == [True, True, False, False]
    assert not table.has_ended(8, 0)


def test_what_is_heard_late_or_twice_gives_nothing_back(table: Revocations) -> None:
    table.note([ended(7, 2), ended(7, 1), ended(7, 2)])

    assert table.has_ended(7, 1)


def test_what_no_token_is_left_of_is_forgotten(table: Revocations, clock: Clock) -> None:
    table.note([ended(number) for number in range(1_000)])
    clock.now += DAY / 2
    table.note([ended(7, 2, clock.now)])
    clock.now += DAY / 2 + timedelta(seconds=1)
    table.note([])

    assert table.count() == 1
    assert table.has_ended(7, 1)


class Identity:
    """A list of what was ended that may be away."""

    def __init__(self, *known: Revocation) -> None:
        self.known = list(known)
        self.asked: list[datetime | None] = []
        self.away = False

    async def __call__(self, since: datetime | None) -> Sequence[Revocation]:
        self.asked.append(since)
        if self.away:
            raise UnavailableError("away", part="identity")
        return [each for each in self.known if since is None or each.revoked_at >= since]


async def test_following_asks_from_the_last_on_with_an_overlap_for_late_commits(table: Revocations) -> None:
    identity = Identity(ended(1), ended(2, at=NOON + timedelta(minutes=1)))
    follow = RevocationPoller(table, identity)
    await follow()
    # Committed after what is younger by the clock.
    identity.known.append(ended(3, at=NOON + timedelta(seconds=50)))
    await follow()

    assert identity.asked == [None, NOON + timedelta(minutes=1) - OVERLAP]
    assert [table.has_ended(user, 0) for user in (1, 2, 3)] == [True] * 3


async def test_while_nobody_answers_what_is_known_stays_in_force(table: Revocations) -> None:
    identity = Identity(ended(1))
    follow = RevocationPoller(table, identity)
    await follow()
    identity.away = True
    await follow()
    identity.known.append(ended(2))
    assert (table.has_ended(1, 0), table.has_ended(2, 0)) == (True, False)

    identity.away = False
    await follow()
    assert (table.has_ended(1, 0), table.has_ended(2, 0)) == (True, True)


async def test_a_token_that_was_verified_before_is_refused_as_soon_as_its_end_is_heard_of(
    tokens: TestTokens,
) -> None:
    table = Revocations(DAY)
    verifier = TokenVerifier(tokens.jwks_uri, ISSUER, revocations=table)
    old, new, other = tokens.issue(7), tokens.issue(7, gen=1), tokens.issue(8)
    for token in (old, new, other):
        await verifier.verify(token)

    table.note([ended(7, 1, datetime.now(UTC))])

    with pytest.raises(TokenEndedError):
        await verifier.verify(old)
    assert [(await verifier.verify(token)).user_id for token in (new, other)] == [7, 8]


async def test_an_ended_token_only_repeats_what_may_be_repeated(tokens: TestTokens) -> None:
    table = Revocations(DAY)
    table.note([ended(7, 1, datetime.now(UTC))])
    access = Access(
        TokenVerifier(tokens.jwks_uri, ISSUER, revocations=table),
        "secret",
        public=frozenset({"/x.X/Open"}),
        repeatable=frozenset({"/x.X/LogOut"}),
    )

    async def call(method: str, **claims: object) -> tuple[int, bool]:
        known = await access.identify(method, dict(tokens.bearer(7, **claims)))
        return known.user_id, known.ended

    with pytest.raises(TokenEndedError):
        await call("/x.X/Read")
    assert await call("/x.X/Open") == (0, False)
    assert await call("/x.X/LogOut") == (7, True)
    assert await call("/x.X/LogOut", gen=1) == (7, False)


@pytest.mark.parametrize("generation", [-1, True, "1", 1.0, 2**63, [1]])
async def test_a_generation_that_is_no_number_is_refused(tokens: TestTokens, generation: object) -> None:
    with pytest.raises(UnauthenticatedError):
        await TokenVerifier(tokens.jwks_uri, ISSUER).verify(tokens.issue(7, gen=generation))
