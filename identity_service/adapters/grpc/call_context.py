"""The network address and the time zone of a call, also of one without a token."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

import grpc

from identity_service.domain.accounts import Account
from service_kit.call import current_call
from service_kit.zone_handover import ZoneHandover

Context = grpc.aio.ServicerContext[Any, Any]

# Set by the gateway, which takes it away from whoever else sends it.
CLIENT_ADDRESS = "x-practice-client-address"


def client_address(metadata: Iterable[tuple[str, str | bytes]], peer: str) -> str:
    """Returns the client's address as the gateway saw it, or the peer's where there is no gateway."""
    told = next((str(value) for key, value in metadata if key == CLIENT_ADDRESS), "")
    if told:
        return told
    # Such as `ipv4:127.0.0.1:50000` or `ipv6:%5B::1%5D:50000`.
    address = unquote(peer).partition(":")[2]
    return address.rpartition(":")[0].strip("[]") or peer


def address_of(context: Context) -> str:
    """Returns the network address of a call's client."""
    return client_address(context.invocation_metadata() or (), context.peer())


async def hand_over_zone(zones: ZoneHandover, account: Account) -> None:
    """Hands over the call's zone and the age of the account it turned out to be for. Never raises."""
    # Whole seconds, as access tokens tell it.
    signed_up_at = account.created_at.replace(microsecond=0)
    await zones.hand_over(account.user_id, current_call().time_zone, signed_up_at)
