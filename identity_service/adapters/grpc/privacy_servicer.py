"""Serves practice.identity.v1.PrivacyService and its counterpart for operators."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import grpc
from google.api.httpbody_pb2 import HttpBody
from practice.identity.v1 import privacy_service_pb2 as pb
from practice.identity.v1 import privacy_service_pb2_grpc

from contract_kit.personal_data import corrected_to_proto, removed_to_proto
from identity_service.application.erasures import EraseAccount, EraseMe, GetErasureReceipt
from identity_service.application.export_data import ExportData
from identity_service.domain.erasure import Erasure, digest
from service_kit.call import current_call
from service_kit.personal_data import Report

Context = grpc.aio.ServicerContext[Any, Any]

ADMIN_SERVICE = "practice.identity.v1.PrivacyAdminService"
# What answers repeats of what a token asked for before it was ended, as this ends it.
REPEATABLE = frozenset({"/practice.identity.v1.PrivacyService/EraseMe"})
_ZIP = "application/zip"
_AS_FILE = (("content-disposition", 'attachment; filename="practice-data.zip"'),)


@dataclass(frozen=True, slots=True)
class UseCases:
    """What the servicers call."""

    export_data: ExportData
    erase_me: EraseMe
    erase_account: EraseAccount
    get_erasure_receipt: GetErasureReceipt


class PrivacyServicer(privacy_service_pb2_grpc.PrivacyServiceServicer):
    """What users may do with their own data."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use = use_cases

    async def ExportMyData(
        self, request: pb.ExportMyDataRequest, context: Context
    ) -> AsyncIterator[HttpBody]:
        """Streams the caller's archive."""
        async for piece in _archive(self._use.export_data, current_call().user_id, context):
            yield piece

    async def EraseMe(self, request: pb.EraseMeRequest, context: Context) -> pb.ErasureReceipt:
        """Erases the caller."""
        return _receipt_to_proto(await self._use.erase_me(current_call(), request.password))


class PrivacyAdminServicer(privacy_service_pb2_grpc.PrivacyAdminServiceServicer):
    """What operators may do with the data of anybody."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use = use_cases

    async def ExportAccount(
        self, request: pb.ExportAccountRequest, context: Context
    ) -> AsyncIterator[HttpBody]:
        """Streams a user's archive."""
        async for piece in _archive(self._use.export_data, request.user_id, context):
            yield piece

    async def EraseAccount(self, request: pb.EraseAccountRequest, context: Context) -> pb.ErasureReceipt:
        """Erases a user."""
        return _receipt_to_proto(await self._use.erase_account(request.user_id))

    async def GetErasureReceipt(
        self, request: pb.GetErasureReceiptRequest, context: Context
    ) -> pb.ErasureReceipt:
        """Shows a receipt."""
        return _receipt_to_proto(await self._use.get_erasure_receipt(UUID(request.receipt_id)))


async def _archive(export: ExportData, user_id: int, context: Context) -> AsyncIterator[HttpBody]:
    async with aclosing(export(user_id)) as pieces:
        first = True
        async for piece in pieces:
            if first:
                # Not before there is something: until then it may be refused.
                await context.send_initial_metadata(_AS_FILE)
            yield HttpBody(content_type=_ZIP, data=piece)
            first = False


def _receipt_to_proto(erasure: Erasure) -> pb.ErasureReceipt:
    receipt = pb.ErasureReceipt(
        receipt_id=str(erasure.receipt_id),
        account_number=erasure.user_id,
        complete=erasure.completed_at is not None,
        services=[
            _service_erasure_to_proto(service, report) for service, report in sorted(erasure.reports.items())
        ],
    )
    receipt.erase_time.FromDatetime(erasure.erased_at)
    if erasure.completed_at is not None:
        receipt.complete_time.FromDatetime(erasure.completed_at)
        receipt.document = erasure.document()
        receipt.sha256 = digest(receipt.document)
    return receipt


def _service_erasure_to_proto(service: str, report: Report | None) -> pb.ServiceErasure:
    if report is None:
        return pb.ServiceErasure(service=service)
    return pb.ServiceErasure(
        service=service,
        complete=True,
        removed=removed_to_proto(report),
        corrected=corrected_to_proto(report),
    )
