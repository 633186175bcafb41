"""Asks the identity service for all of a person's data, and to erase the person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from practice.identity.v1 import privacy_service_pb2 as pb
from practice.identity.v1.privacy_service_pb2_grpc import PrivacyAdminServiceStub

from deploy.commands.admin_calls import INTERNAL_HEADER, open_admin_channel

# Seconds for an erasure or a receipt; an archive takes as long as it takes.
DEADLINE = 15.0


class PrivacyOffice:
    """The identity service's PrivacyAdminService. Methods raise CallFailedError."""

    def __init__(self, channel: grpc.Channel, internal_token: str) -> None:
        self._stub = PrivacyAdminServiceStub(channel)
        self._metadata = ((INTERNAL_HEADER, internal_token),)

    def export(self, user_id: int) -> Iterator[bytes]:
        """Yields the pieces of a person's archive."""
        request = pb.ExportAccountRequest(user_id=user_id)
        for piece in self._stub.ExportAccount(request, metadata=self._metadata):
            yield piece.data

    def erase(self, user_id: int) -> pb.ErasureReceipt:
        """Erases a person everywhere and returns the receipt, which may not be complete. Idempotent."""
        request = pb.EraseAccountRequest(user_id=user_id)
        return self._stub.EraseAccount(request, timeout=DEADLINE, metadata=self._metadata)

    def receipt(self, receipt_id: str) -> pb.ErasureReceipt:
        """Returns a receipt."""
        request = pb.GetErasureReceiptRequest(receipt_id=receipt_id)
        return self._stub.GetErasureReceipt(request, timeout=DEADLINE, metadata=self._metadata)


@contextmanager
def open_office(identity_address: str, internal_token: str) -> Iterator[PrivacyOffice]:
    """Opens the office of the service at `host:port`. Raises CallFailedError for every failed call."""
    with open_admin_channel("identity", identity_address) as channel:
        yield PrivacyOffice(channel, internal_token)
