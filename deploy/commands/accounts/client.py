"""Asks the identity service whose account is whose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from practice.identity.v1 import account_admin_service_pb2 as pb
from practice.identity.v1 import account_pb2
from practice.identity.v1.account_admin_service_pb2_grpc import AccountAdminServiceStub

from deploy.commands.admin_calls import INTERNAL_HEADER, open_admin_channel

# Seconds for one call.
DEADLINE = 10.0


class AccountOffice:
    """The identity service's AccountAdminService. Methods raise CallFailedError."""

    def __init__(self, channel: grpc.Channel, internal_token: str) -> None:
        self._stub = AccountAdminServiceStub(channel)
        self._metadata = ((INTERNAL_HEADER, internal_token),)

    def find(self, who: int | str) -> account_pb2.Account:
        """Returns the account with a number or an e-mail address."""
        if isinstance(who, int):
            request = pb.FindAccountRequest(user_id=who)
        else:
            request = pb.FindAccountRequest(email=who)
        return self._stub.FindAccount(request, timeout=DEADLINE, metadata=self._metadata)


@contextmanager
def open_office(identity_address: str, internal_token: str) -> Iterator[AccountOffice]:
    """Opens the office of the service at `host:port`. Raises CallFailedError for every failed call."""
    with open_admin_channel("identity", identity_address) as channel:
        yield AccountOffice(channel, internal_token)
