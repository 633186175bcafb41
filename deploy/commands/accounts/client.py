"""Asks the identity service whose account is whose."""

from __future__ import annotations

import grpc
from practice.identity.v1 import account_admin_service_pb2 as pb
from practice.identity.v1 import account_pb2
from practice.identity.v1.account_admin_service_pb2_grpc import AccountAdminServiceStub

from deploy.commands.admin_client import AdminClient


class AccountAdminClient(AdminClient):
    """The identity service's AccountAdminService."""

    service = "identity"

    def __init__(self, channel: grpc.Channel, internal_token: str) -> None:
        super().__init__(channel, internal_token)
        self._stub = AccountAdminServiceStub(channel)

    def find(self, who: int | str) -> account_pb2.Account:
        """Returns the account with a number or an e-mail address."""
        if isinstance(who, int):
            request = pb.FindAccountRequest(user_id=who)
        else:
            request = pb.FindAccountRequest(email=who)
        return self._call(self._stub.FindAccount, request)
