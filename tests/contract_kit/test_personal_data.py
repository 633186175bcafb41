"""The service by which every service exports and erases personal data."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from typing import Any, cast

from practice.privacy.v1 import erasure_pb2
from practice.privacy.v1 import personal_data_service_pb2 as pb

from contract_kit.personal_data import (
    PersonalDataServicer,
    corrected_to_proto,
    removed_to_proto,
    report_from_proto,
)
from service_kit.personal_data import FileChunk, Report

CONTEXT = cast(Any, None)


class Data:
    """The data of a service: files without an end, and what an erasure of it counts."""

    def __init__(self) -> None:
        self.reading = 0
        self.erased: list[tuple[int, str]] = []

    async def export(self, user_id: int) -> AsyncGenerator[FileChunk]:
        self.reading += 1
        try:
            while True:
                yield FileChunk(f"things/{user_id}.json", b"[]", 2)
        finally:
            self.reading -= 1

    async def erase(self, user_id: int, request_id: str) -> Report:
        self.erased.append((user_id, request_id))
        return Report({"sessions": 2, "answers": 7}, {"leaderboards": 1})


async def test_an_export_is_read_no_further_when_nobody_takes_it() -> None:
    data = Data()
    servicer = PersonalDataServicer(data.export, data.erase)
    pieces = cast(
        "AsyncGenerator[pb.DataChunk]",
        servicer.ExportPersonalData(pb.ExportPersonalDataRequest(user_id=7), CONTEXT),
    )

    assert await anext(pieces) == pb.DataChunk(file="things/7.json", data=b"[]", row_count=2)
    assert data.reading == 1
    await pieces.aclose()

    assert data.reading == 0


async def test_an_erasure_reports_by_category_and_is_logged(log_lines: Callable[[], list[str]]) -> None:
    data = Data()
    request = pb.ErasePersonalDataRequest(user_id=7, request_id="one")

    report = await PersonalDataServicer(data.export, data.erase).ErasePersonalData(request, CONTEXT)

    assert data.erased == [(7, "one")]
    assert [(each.category, each.count) for each in report.removed] == [("answers", 7), ("sessions", 2)]
    (logged,) = [line for line in map(json.loads, log_lines()) if line["event"] == "personal_data_erased"]
    assert (logged["erased"], logged["removed"]) == (7, {"sessions": 2, "answers": 7})


def test_a_report_comes_back_from_its_message() -> None:
    report = Report({"sessions": 2, "answers": 0}, {"leaderboards": 1})
    message = erasure_pb2.ErasureReport(
        removed=removed_to_proto(report), corrected=corrected_to_proto(report)
    )

    assert report_from_proto(message) == report
