"""What floods of calls that hash passwords do to everybody else, and to memory."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable

import grpc
import pytest
from practice.identity.v1 import identity_service_pb2 as pb
from practice.identity.v1 import identity_service_pb2_grpc as rpc

from identity_service.application.admission import AdmissionGate
from service_kit.errors import TooManyAtOnceError
from tests.grpc_errors import Refusal, outcome
from tests.identity_service.conftest import (
    HASHED_IN_EARNEST,
    PASSWORD,
    Connect,
    Metadata,
    Person,
    Stub,
    new_email,
)

FLOOD = 600
# Generous on a busy machine; hashing all of a flood takes longer than twice as long.
PROMPT_SECONDS = 6.0

Address = Callable[[int], str]


def sign_up(stub: Stub, email: str, address: str) -> grpc.aio.UnaryUnaryCall:
    return stub.SignUp(
        pb.SignUpRequest(first_name="Ana", email=email, password=PASSWORD),
        metadata=(("x-practice-client-address", address),),
    )


# Where a call comes from is looked at before its password is hashed, whether the email is taken only after.
@pytest.mark.parametrize(
    ("address", "taken"),
    [(lambda _: "one client", True), (lambda number: f"10.0.{number // 250}.{number % 250}", False)],
    ids=["from one client, taken", "from many, new"],
)
async def test_six_hundred_sign_ups_at_once_leave_others_answered(
    connect: Connect, person: Person, address: Address, taken: bool
) -> None:
    async with connect(**HASHED_IN_EARNEST) as channel:
        stub = rpc.IdentityServiceStub(channel)
        flood = [
            asyncio.ensure_future(
                outcome(sign_up(stub, person.email if taken else new_email(), address(number)))
            )
            for number in range(FLOOD)
        ]
        waits: list[float] = []
        for _ in range(4):
            waits += await asyncio.gather(
                *(answered(call) for call in everyday(stub, person)),
            )
        outcomes = await asyncio.gather(*flood)

    assert max(waits) < PROMPT_SECONDS
    reasons = Counter(each.reason if isinstance(each, Refusal) else "made" for each in outcomes)
    assert reasons["TOO_MANY_AT_ONCE"] > FLOOD / 2
    assert set(reasons) <= {"TOO_MANY_AT_ONCE", "RATE_LIMITED", "EMAIL_TAKEN", "made"}
    busy = next(each for each in outcomes if isinstance(each, Refusal) and each.reason == "TOO_MANY_AT_ONCE")
    assert (busy.code, busy.metadata["retry_after"]) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "1")


def everyday(stub: Stub, person: Person) -> list[grpc.aio.UnaryUnaryCall]:
    elsewhere: Metadata = (("x-practice-client-address", f"home of {person.email}"),)
    refresh = pb.RefreshAccessTokenRequest(refresh_token=person.tokens.refresh_token)
    return [
        stub.LogIn(pb.LogInRequest(email=person.email, password=PASSWORD), metadata=elsewhere),
        stub.RefreshAccessToken(refresh),
        stub.GetMe(pb.GetMeRequest(), metadata=person.metadata),
    ]


async def answered(call: grpc.aio.UnaryUnaryCall) -> float:
    began = time.monotonic()
    await call
    return time.monotonic() - began


async def test_an_entrance_lets_in_a_few_has_some_wait_and_refuses_the_others() -> None:
    gate, go_on = AdmissionGate("log-ins", at_once=2, waiting=3, waiting_per_subject=3), asyncio.Event()
    running = most = 0

    async def work(number: int) -> str:
        nonlocal running, most
        try:
            async with gate.enter(bytes([number])):
                running += 1
                most = max(most, running)
                await go_on.wait()
                running -= 1
        except TooManyAtOnceError:
            return "refused"
        return "done"

    calls = [asyncio.create_task(work(number)) for number in range(8)]
    while not any(call.done() for call in calls):
        await asyncio.sleep(0)
    go_on.set()

    assert Counter(await asyncio.gather(*calls)) == {"done": 5, "refused": 3}
    assert most == 2
    assert await work(0) == "done"


async def test_who_gives_up_waiting_leaves_the_place_to_others_and_one_address_has_few_of_them() -> None:
    gate = AdmissionGate("log-ins", at_once=1, waiting=10, waiting_per_subject=1)
    async with gate.enter(b"one"):
        waiting = asyncio.create_task(gate.enter(b"one").__aenter__())
        await asyncio.sleep(0)
        with pytest.raises(TooManyAtOnceError):
            await gate.enter(b"one").__aenter__()
        other = asyncio.create_task(gate.enter(b"another").__aenter__())
        await asyncio.sleep(0)
        assert not other.done()
        for call in (waiting, other):
            call.cancel()
        await asyncio.gather(waiting, other, return_exceptions=True)
    async with gate.enter(b"one"):
        pass
