"""Asks the identity service for all of a user's data, and to erase the user."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
from practice.identity.v1 import privacy_service_pb2 as pb
from practice.identity.v1.privacy_service_pb2_grpc import PrivacyAdminServiceStub

from deploy.commands.admin_client import AdminClient


class PrivacyAdminClient(AdminClient):
    """The identity service's PrivacyAdminService."""

    service = "identity"
    # Seconds for an erasure or a receipt; an archive takes as long as it takes.
    deadline = 15.0

    def __init__(self, channel: grpc.Channel, internal_token: str) -> None:
        super().__init__(channel, internal_token)
        self._stub = PrivacyAdminServiceStub(channel)

    def export(self, user_id: int) -> Iterator[bytes]:
        """Yields the pieces of a user's archive."""
        request = pb.ExportAccountRequest(user_id=user_id)
        for piece in self._stub.ExportAccount(request, metadata=self._metadata):
            yield piece.data

    def erase(self, user_id: int) -> pb.ErasureReceipt:
        """Erases a user everywhere and returns the receipt, which may not be complete. Idempotent."""
        request = pb.EraseAccountRequest(user_id=user_id)
        return self._call(self._stub.EraseAccount, request)

    def receipt(self, receipt_id: str) -> pb.ErasureReceipt:
        """Returns a receipt."""
        request = pb.GetErasureReceiptRequest(receipt_id=receipt_id)
        return self._call(self._stub.GetErasureReceipt, request)
