"""What tests of exports and erasures ask of identity."""

from __future__ import annotations

import asyncio
import io
import zipfile
from typing import Any

from practice.identity.v1 import privacy_service_pb2 as pb
from practice.identity.v1 import privacy_service_pb2_grpc as rpc

from tests.identity_service.adapters.grpc.privacy.personal_data_services import (
    FakePersonalDataService,
)
from tests.identity_service.conftest import PASSWORD, Person
from tests.waiting import PATIENCE_SECONDS

OTHERS = ("catalog", "session", "stats")
PersonalDataServices = dict[str, FakePersonalDataService]


async def archive(call: Any) -> zipfile.ZipFile:
    pieces = [piece async for piece in call]
    assert pieces[0].content_type == "application/zip"
    packed = zipfile.ZipFile(io.BytesIO(b"".join(piece.data for piece in pieces)))
    assert packed.testzip() is None
    return packed


def erase_me(privacy: rpc.PrivacyServiceAsyncStub, person: Person, password: str = PASSWORD) -> Any:
    return privacy.EraseMe(pb.EraseMeRequest(password=password, confirm=True), metadata=person.metadata)


async def until_complete(
    admin: rpc.PrivacyAdminServiceAsyncStub, receipt_id: str, internal: Any
) -> pb.ErasureReceipt:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            request = pb.GetErasureReceiptRequest(receipt_id=receipt_id)
            receipt = await admin.GetErasureReceipt(request, metadata=internal)
            if receipt.complete:
                return receipt
            await asyncio.sleep(0.02)
