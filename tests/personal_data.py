"""Asks a service for all of a person's data, and looks for rows of a person in a database."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from typing import Any

import grpc
import psycopg
from practice.privacy.v1 import personal_data_service_pb2 as pb
from practice.privacy.v1.personal_data_service_pb2_grpc import PersonalDataServiceStub
from psycopg import sql

Metadata = tuple[tuple[str, str], ...]

# A drawing is one cell.
csv.field_size_limit(16 * 1024 * 1024)

# What is left of a person on purpose: that they were erased.
KEPT = {"erased_user", "erasure"}


class PersonalDataClient:
    """A service's PersonalDataService, asked as the identity service asks."""

    def __init__(self, channel: grpc.aio.Channel, internal: Metadata) -> None:
        self.stub = PersonalDataServiceStub(channel)
        self._internal = internal
        self.pieces: list[pb.DataChunk] = []

    async def export(self, user_id: int) -> dict[str, bytes]:
        """Returns the files by name."""
        files: dict[str, bytes] = defaultdict(bytes)
        request = pb.ExportPersonalDataRequest(user_id=user_id)
        self.pieces = [
            piece async for piece in self.stub.ExportPersonalData(request, metadata=self._internal)
        ]
        for piece in self.pieces:
            files[piece.file] += piece.data
        return files

    async def categories(self, user_id: int) -> dict[str, list[dict[str, Any]]]:
        """Returns the entries by category, once it is sure that both files of each have the same."""
        files = await self.export(user_id)
        categories = {}
        (guide,) = (name for name in files if name.endswith("/README.txt"))
        lines = files.pop(guide).decode().splitlines()
        folder = guide.partition("/")[0]
        assert {f"{folder}/{line.split()[0]}" for line in lines} == {
            name.rpartition(".")[0] for name in files
        }
        for name in {name.rpartition(".")[0] for name in files}:
            entries = json.loads(files[f"{name}.json"])
            table = list(csv.DictReader(io.StringIO(files[f"{name}.csv"].decode(), newline="")))
            assert len(table) == len(entries), name
            for entry, line in zip(entries, table, strict=True):
                assert list(entry) == list(line)
                assert {key: cell(value) for key, value in entry.items()} == line
            told = {ending: self._rows(f"{name}.{ending}") for ending in ("json", "csv")}
            assert told == {"json": len(entries), "csv": len(entries)}
            categories[name] = entries
        return categories

    async def erase(self, user_id: int, request_id: str = "one") -> dict[str, int]:
        """Returns what was removed, by category."""
        report = await self.stub.ErasePersonalData(
            pb.ErasePersonalDataRequest(user_id=user_id, request_id=request_id), metadata=self._internal
        )
        return {each.category: each.count for each in report.removed}

    def _rows(self, file: str) -> int:
        return sum(piece.row_count for piece in self.pieces if piece.file == file)


def cell(value: Any) -> str:
    """Returns a JSON value as its CSV cell."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value[:1] in {*"=+-@\t\r\n"} else value
    return json.dumps(value, ensure_ascii=False)


def rows_of(database_url: str, user_id: int, *schemas: str) -> dict[str, int]:
    """Returns the tables, of any schema unless some are named, with rows of a person, and how many.

    Every table with a column for a person's number is looked at, whoever made
    it, but for what is kept on purpose.
    """
    columns = """
        SELECT table_schema, table_name, column_name FROM information_schema.columns
        WHERE column_name IN ('user_id', 'owner_id') AND table_schema NOT LIKE 'pg_%'
    """
    found = {}
    with psycopg.connect(database_url) as connection:
        for schema, table, column in connection.execute(columns).fetchall():
            if table in KEPT or (schemas and schema not in schemas):
                continue
            count = sql.SQL("SELECT count(*) FROM {} WHERE {} = %s").format(
                sql.Identifier(schema, table), sql.Identifier(column)
            )
            row = connection.execute(count, [user_id]).fetchone()
            if row is not None and row[0]:
                found[f"{schema}.{table}"] = row[0]
    return found
