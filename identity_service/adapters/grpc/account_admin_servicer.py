"""Serves practice.identity.v1.AccountAdminService."""

from __future__ import annotations

from typing import Any

import grpc
from practice.identity.v1 import account_admin_service_pb2 as pb
from practice.identity.v1 import account_admin_service_pb2_grpc, account_pb2

from identity_service.adapters.grpc.converters import to_account
from identity_service.application.find_account import FindAccount

Context = grpc.aio.ServicerContext[Any, Any]

ADMIN_SERVICE = "practice.identity.v1.AccountAdminService"


class AccountAdminServicer(account_admin_service_pb2_grpc.AccountAdminServiceServicer):
    """What operators ask about accounts."""

    def __init__(self, find_account: FindAccount) -> None:
        self._find_account = find_account

    async def FindAccount(self, request: pb.FindAccountRequest, context: Context) -> account_pb2.Account:
        """Shows an account."""
        by_email = request.WhichOneof("person") == "email"
        return to_account(await self._find_account(request.email if by_email else request.user_id))
