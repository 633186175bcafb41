"""Access tokens that end before they expire: here at once, in other services soon."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import grpc
import pytest
from practice.catalog.v1 import catalog_service_pb2, catalog_service_pb2_grpc
from practice.identity.v1 import identity_service_pb2 as pb
from practice.identity.v1 import identity_service_pb2_grpc as rpc
from practice.identity.v1 import privacy_service_pb2, privacy_service_pb2_grpc, revocation_service_pb2
from practice.identity.v1.revocation_service_pb2_grpc import RevocationServiceStub

from catalog_service.main import serving as serving_catalog
from catalog_service.settings import Settings as CatalogSettings
from contract_kit.revocations import RevocationList
from identity_service.main import serving
from identity_service.settings import Settings
from tests.grpc_errors import Refusal, outcome, refusal
from tests.identity_service.conftest import PASSWORD, Connect, Metadata, Person, Stub

Catalog: TypeAlias = "catalog_service_pb2_grpc.CatalogServiceAsyncStub"
NEW = "staple of the new kind"
End = Callable[[grpc.aio.Channel, Person, Metadata], Awaitable[Any]]


async def change_password(channel: grpc.aio.Channel, person: Person, metadata: Metadata) -> Any:
    request = pb.ChangePasswordRequest(current_password=PASSWORD, new_password=NEW)
    return await rpc.IdentityServiceStub(channel).ChangePassword(request, metadata=metadata)


async def log_out_everywhere(channel: grpc.aio.Channel, person: Person, metadata: Metadata) -> Any:
    return await rpc.IdentityServiceStub(channel).LogOut(pb.LogOutRequest(), metadata=metadata)


async def erase(channel: grpc.aio.Channel, person: Person, metadata: Metadata) -> Any:
    stub = privacy_service_pb2_grpc.PrivacyServiceStub(channel)
    return await stub.EraseMe(
        privacy_service_pb2.EraseMeRequest(password=PASSWORD, confirm=True), metadata=metadata
    )


def me(stub: Stub, metadata: Metadata) -> Awaitable[Any]:
    return stub.GetMe(pb.GetMeRequest(), metadata=metadata)


ENDS = pytest.mark.parametrize("end", [change_password, log_out_everywhere, erase])


@ENDS
async def test_every_access_token_of_the_account_ends_at_once_and_no_other(
    channel: grpc.aio.Channel, identity: Stub, new_person: Callable[[], Awaitable[Person]], end: End
) -> None:
    person, other = await new_person(), await new_person()
    second = await identity.LogIn(pb.LogInRequest(email=person.email, password=PASSWORD))
    elsewhere = (("authorization", f"Bearer {second.access_token}"),)
    await me(identity, elsewhere)

    await end(channel, person, person.metadata)

    for metadata in (person.metadata, elsewhere):
        refused = await refusal(me(identity, metadata))
        assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")
    assert (await me(identity, other.metadata)).email == other.email


async def test_who_logs_in_again_has_a_token_that_is_good(
    channel: grpc.aio.Channel, identity: Stub, person: Person
) -> None:
    for current in (PASSWORD, NEW):
        again = await identity.LogIn(pb.LogInRequest(email=person.email, password=current))
        metadata = (("authorization", f"Bearer {again.access_token}"),)
        assert (await me(identity, metadata)).email == person.email
        if current == PASSWORD:
            await log_out_everywhere(channel, person, metadata)
            again = await identity.LogIn(pb.LogInRequest(email=person.email, password=current))
            await change_password(channel, person, (("authorization", f"Bearer {again.access_token}"),))
    refreshed = await identity.RefreshAccessToken(
        pb.RefreshAccessTokenRequest(
            refresh_token=(
                await identity.LogIn(pb.LogInRequest(email=person.email, password=NEW))
            ).refresh_token
        )
    )
    assert (await me(identity, (("authorization", f"Bearer {refreshed.access_token}"),))).email


async def test_a_log_out_of_one_device_ends_no_access_token(identity: Stub, person: Person) -> None:
    request = pb.LogOutRequest(refresh_token=person.tokens.refresh_token)
    await identity.LogOut(request, metadata=person.metadata)

    assert (await me(identity, person.metadata)).email == person.email


@ENDS
async def test_what_ended_a_token_is_answered_again_and_nothing_else_is_done_with_it(
    channel: grpc.aio.Channel, person: Person, end: End
) -> None:
    key = (("idempotency-key", f"end of {person.email}"),)

    first = await end(channel, person, (*person.metadata, *key))
    again = await end(channel, person, (*person.metadata, *key))

    assert again == first
    for other in (change_password, log_out_everywhere):
        refused = await outcome(other(channel, person, person.metadata))
        assert isinstance(refused, Refusal)
        assert refused.reason == "TOKEN_INVALID"


async def test_a_change_that_was_refused_ends_no_token(
    channel: grpc.aio.Channel, identity: Stub, person: Person
) -> None:
    request = pb.ChangePasswordRequest(current_password="wrong password", new_password=NEW)
    assert (await refusal(identity.ChangePassword(request, metadata=person.metadata))).reason

    assert (await me(identity, person.metadata)).email == person.email


async def test_a_restart_gives_no_token_back(
    connect: Connect, new_person: Callable[[], Awaitable[Person]]
) -> None:
    person, erased = await new_person(), await new_person()
    async with connect() as before:
        await log_out_everywhere(before, person, person.metadata)
        await erase(before, erased, erased.metadata)

    async with connect() as after:
        for each in (person, erased):
            refused = await refusal(me(rpc.IdentityServiceStub(after), each.metadata))
            assert refused.reason == "TOKEN_INVALID"


async def test_revocations_are_listed_in_pages_from_a_time_on(
    channel: grpc.aio.Channel,
    identity: Stub,
    new_person: Callable[[], Awaitable[Person]],
    internal_token: str,
) -> None:
    began = datetime.now(UTC)
    people = [await new_person() for _ in range(5)]
    ends = (log_out_everywhere, change_password, erase, log_out_everywhere, erase)
    for person, end in zip(people, ends, strict=True):
        await end(channel, person, person.metadata)
    internal = (("x-practice-internal", internal_token),)
    stub, request = RevocationServiceStub(channel), revocation_service_pb2.ListRevocationsRequest(page_size=2)
    request.since.FromDatetime(began)
    pages = []
    while not pages or request.page_token:
        page = await stub.ListRevocations(request, metadata=internal)
        pages.append([each.user_id for each in page.revocations])
        request.page_token = page.next_page_token

    assert [len(page) for page in pages] == [2, 2, 1]
    assert [user_id for page in pages for user_id in page] == [person.account.user_id for person in people]
    listed = RevocationList(channel, internal_token)
    assert len(await listed(began)) == 5
    assert await listed(datetime.now(UTC) + timedelta(minutes=1)) == []
    stranger = await refusal(stub.ListRevocations(request, metadata=people[0].metadata))
    assert stranger.code is grpc.StatusCode.PERMISSION_DENIED


@asynccontextmanager
async def catalog_beside(identity_address: str, settings: dict[str, Any]) -> AsyncIterator[Catalog]:
    own = CatalogSettings(**{**settings, "identity_address": identity_address})
    async with (
        serving_catalog(own) as catalog,
        grpc.aio.insecure_channel(f"127.0.0.1:{catalog.port}") as channel,
    ):
        yield catalog_service_pb2_grpc.CatalogServiceStub(channel)


def exercises(catalog: Catalog, person: Person) -> Awaitable[Any]:
    request = catalog_service_pb2.ListExercisesRequest()
    return catalog.ListExercises(request, metadata=person.metadata)


async def until_refused(catalog: Catalog, person: Person) -> float:
    """Returns the seconds until a token is refused. It was good just now."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not isinstance(result := await outcome(exercises(catalog, person)), Refusal):
        await asyncio.sleep(0.05)
    assert result.reason == "TOKEN_INVALID"
    return loop.time() - began


async def test_another_service_refuses_what_was_ended_within_seconds_and_keeps_to_it(
    identity_settings: dict[str, Any], new_person: Callable[[], Awaitable[Person]]
) -> None:
    one, two, later = await new_person(), await new_person(), await new_person()
    async with serving(Settings(**identity_settings)) as server:
        address = f"127.0.0.1:{server.port}"
        async with (
            grpc.aio.insecure_channel(address) as channel,
            catalog_beside(address, identity_settings) as catalog,
        ):
            for person in (one, two):
                await exercises(catalog, person)
            for person, end in ((one, log_out_everywhere), (two, erase)):
                await end(channel, person, person.metadata)
                # A poll a second; the rest is for a busy machine.
                assert await until_refused(catalog, person) < 30
            await server.stop(0)
            # Identity is away: what is known stays in force, and others are served.
            assert isinstance(await outcome(exercises(catalog, one)), Refusal)
            await exercises(catalog, later)

    async with serving(Settings(**identity_settings)) as server:
        address = f"127.0.0.1:{server.port}"
        async with catalog_beside(address, identity_settings) as restarted:
            # It has calendar_service of everything before its first call.
            for person in (one, two):
                assert isinstance(await outcome(exercises(restarted, person)), Refusal)
            await exercises(restarted, later)


async def test_a_service_starts_without_the_one_that_tells_it_what_was_ended(
    identity_settings: dict[str, Any], person: Person
) -> None:
    async with catalog_beside("127.0.0.1:1", identity_settings) as catalog:
        await exercises(catalog, person)
