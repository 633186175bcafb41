"""A category's entries as a JSON and a CSV file, in pieces."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from service_kit.personal_data import LARGEST_PIECE, Entries, FileChunk, export_files, json_value


async def written(columns: list[str], *pages: Entries) -> tuple[dict[str, str], list[FileChunk]]:
    async def read() -> AsyncIterator[Entries]:
        for page in pages:
            yield page

    chunks = [chunk async for chunk in export_files("category", columns, read)]
    names = dict.fromkeys(chunk.file for chunk in chunks)
    return {
        name: b"".join(chunk.data for chunk in chunks if chunk.file == name).decode() for name in names
    }, chunks


async def test_both_files_have_the_same_entries() -> None:
    entries: list[dict[str, Any]] = [
        {"id": 1, "text": 'é "quoted",\nline', "none": None, "list": ["a", 2]},
        {"id": 2, "text": "", "none": None, "list": []},
    ]
    told, chunks = await written(["id", "text", "none", "list"], entries[:1], entries[1:])

    assert list(told) == ["category.json", "category.csv"]
    assert json.loads(told["category.json"]) == entries
    assert list(csv.reader(io.StringIO(told["category.csv"], newline=""))) == [
        ["id", "text", "none", "list"],
        ["1", 'é "quoted",\nline', "", '["a", 2]'],
        ["2", "", "", "[]"],
    ]
    assert [chunk.rows for chunk in chunks] == [2, 2]


async def test_a_category_without_entries_has_files_all_the_same() -> None:
    told, chunks = await written(["id"])
    assert told == {"category.json": "[]\n", "category.csv": "id\r\n"}
    assert [chunk.rows for chunk in chunks] == [0, 0]


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n"])
async def test_no_spreadsheet_computes_a_text(first: str) -> None:
    text = f'{first}HYPERLINK("http://example.com", "open")'
    told, _ = await written(["id", "text"], [{"id": -1, "text": text}])

    assert json.loads(told["category.json"]) == [{"id": -1, "text": text}]
    # A number is one.
    assert list(csv.reader(io.StringIO(told["category.csv"], newline="")))[1:] == [["-1", f"'{text}"]]


FORMULA = "=cmd|' /C calc'!A0"


@pytest.mark.parametrize(
    "text",
    [
        *(f"x{separator}{FORMULA}" for separator in (";", "\t", "\n", "\r\n", "|")),
        *(
            f"x; {FORMULA}",
            f'x;"{FORMULA}"',
            f"x;\t{FORMULA}",
            f"x;\u200b{FORMULA}",
            f"x;;{FORMULA}",
            f"\n;{FORMULA}",
        ),
        *(f"{width}1+1" for width in "\uff1d\uff0b\uff0d\uff20\ufe66"),
        *(f"{blank}{FORMULA}" for blank in (" ", "\u00a0", "\x01", "\u200b", "\ufeff", '"', "\x7f")),
    ],
    ids=ascii,
)
@pytest.mark.parametrize("shape", ["text", "list"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
async def test_no_text_is_a_formula_whichever_separator_the_spreadsheet_uses(
    text: str, shape: str, delimiter: str
) -> None:
    value: object = text if shape == "text" else ["a", text]
    told, _ = await written(["id", "text"], [{"id": 1, "text": value}])

    assert json.loads(told["category.json"]) == [{"id": 1, "text": value}]
    cells = [
        cell
        for line in csv.reader(io.StringIO(told["category.csv"], newline=""), delimiter=delimiter)
        for cell in line
    ]
    assert [cell for cell in cells if begins_a_formula(cell)] == []
    # As it is but for the apostrophes.
    assert "".join(cells).count("'") >= text.count("'")


def begins_a_formula(cell: str) -> bool:
    shown = unicodedata.normalize("NFKC", cell)
    bare = shown.lstrip('" \t\r\n\u200b\ufeff\x01\x7f')
    return bare.startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize(
    "text", ["a - b", "1 + 1 = 2", "ana@example.com", "x; y", "It's", "2026-02-18", "a,-b"]
)
async def test_text_that_is_no_formula_is_as_it_was_written(text: str) -> None:
    told, _ = await written(["text"], [{"text": text}])

    assert list(csv.reader(io.StringIO(told["category.csv"], newline="")))[1:] == [[text]]


async def test_no_piece_is_larger_than_a_message_takes() -> None:
    entries = [{"id": n, "text": "é" * 400_000} for n in range(3)]
    told, chunks = await written(["id", "text"], entries)
    assert json.loads(told["category.json"]) == entries
    assert max(len(chunk.data) for chunk in chunks) == LARGEST_PIECE
    for name in told:
        assert sum(chunk.rows for chunk in chunks if chunk.file == name) == 3


def test_values_are_told_as_json_has_them() -> None:
    @dataclass
    class Run:
        first: date
        days: int

    madrid = timezone(timedelta(hours=2))
    assert json_value(datetime(2026, 2, 18, 10, tzinfo=madrid)) == "2026-02-18T08:00:00Z"
    assert json_value(datetime(2026, 2, 18, 8, 0, 0, 5, tzinfo=UTC)) == "2026-02-18T08:00:00.000005Z"
    assert json_value((Run(date(2026, 2, 18), 3),)) == [{"first": "2026-02-18", "days": 3}]
    assert json_value(b"\x00\xff") == "AP8="
    assert json_value({1: UUID(int=1)}) == {"1": "00000000-0000-0000-0000-000000000001"}
    assert [json_value(value) for value in (None, True, 2, 1.5, "x")] == [None, True, 2, 1.5, "x"]
