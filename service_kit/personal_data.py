"""Personal data: the files of an export, and the report of an erasure.

A kind of data is a category. In an archive each is two files with the
same entries: a JSON array of objects for programs, CSV for spreadsheets. Text
that a spreadsheet would take for a formula, whichever separator it uses, has an
apostrophe before it in CSV; JSON has it as it is.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

# A piece travels as one gRPC message, and waits in memory for whoever reads slowly.
LARGEST_PIECE = 64 * 1024

README = "README.txt"

# What a stranger titled a problem is not to run on a user's machine. Spreadsheets compute a cell that
# begins with one of these, in any width, whatever unseen is before it.
_FORMULA = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u207c\u207a\u208c\u208a\ufb29"
_UNSEEN = '\\s"\\x00-\\x1f\\x7f-\\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff'
# What begins a cell where the separator is another one: there quotes that do not begin a cell mean nothing.
_SEPARATORS = ";|\t\r\n"
_COMPUTED = re.compile(rf"(\A|[{_SEPARATORS}])(?=(?:(?![{_SEPARATORS}])[{_UNSEEN}])*[{_FORMULA}])")

Entry = Mapping[str, Any]
Entries = Sequence[Entry]


@dataclass(frozen=True, slots=True)
class FileChunk:
    """A piece of a file; `rows` entries begin in it."""

    file: str
    data: bytes
    rows: int


@dataclass(frozen=True, slots=True)
class Report:
    """What was done to forget a user: entries removed by category, and what was put right for others."""

    removed: Mapping[str, int]
    corrected: Mapping[str, int] = field(default_factory=dict)


class PersonalData(Protocol):
    """The data of users that a service keeps."""

    def export(self, user_id: int) -> AsyncGenerator[FileChunk]:
        """Yields the user's files, one after the other, each in order."""

    async def erase(self, user_id: int, request_id: str) -> Report:
        """Deletes the user's data and refuses more of it for good.

        Idempotent: the same request gets the same report. One that was broken
        off is to be made again, and goes on where it was.
        """


def guide_file(folder: str, categories: Mapping[str, str]) -> FileChunk:
    """Returns the file that says what each category of a folder is."""
    width = max(map(len, categories), default=0)
    lines = [f"{name.ljust(width)}  {about}\n" for name, about in categories.items()]
    return FileChunk(f"{folder}/{README}", "".join(lines).encode(), 0)


async def export_files(
    name: str, columns: Sequence[str], pages: Callable[[], AsyncIterable[Entries]]
) -> AsyncGenerator[FileChunk]:
    """Yields the two files of a category, which is read once for each, so that neither waits in memory."""
    async for chunk in _pieces(f"{name}.json", _json(pages())):
        yield chunk
    async for chunk in _pieces(f"{name}.csv", _csv(columns, pages())):
        yield chunk


def json_value(value: object) -> Any:
    """Returns a value of a database as JSON has it: times in UTC, bytes in Base64, the rest as text."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {str(key): json_value(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(each) for each in value]
    return value if value is None or isinstance(value, bool | int | float | str) else _text(value)


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)


async def _json(pages: AsyncIterable[Entries]) -> AsyncIterator[tuple[str, int]]:
    before = "["
    async for page in pages:
        for entry in page:
            yield f"{before}\n{json.dumps(json_value(entry), ensure_ascii=False)}", 1
            before = ","
    yield ("[]\n" if before == "[" else "\n]\n"), 0


async def _csv(columns: Sequence[str], pages: AsyncIterable[Entries]) -> AsyncIterator[tuple[str, int]]:
    yield _line(columns), 0
    async for page in pages:
        for entry in page:
            yield _line([_cell(json_value(entry[column])) for column in columns]), 1


def _cell(value: Any) -> str:
    # A text is a cell as it is, unless opening the file would run it; the rest reads as in JSON.
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    harmless = _COMPUTED.sub(r"\1'", text)
    return f"'{harmless}" if harmless.startswith(("\t", "\r", "\n")) else harmless


def _line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


async def _pieces(file: str, texts: AsyncIterable[tuple[str, int]]) -> AsyncGenerator[FileChunk]:
    """Yields texts as pieces of a file, none larger than LARGEST_PIECE."""
    waiting, rows = bytearray(), 0
    async for text, begun in texts:
        waiting += text.encode()
        # It may be large, and is not needed while others wait.
        del text
        rows += begun
        if len(waiting) < LARGEST_PIECE:
            continue
        full, waiting = bytes(waiting), bytearray()
        for start in range(0, len(full), LARGEST_PIECE):
            piece = full[start : start + LARGEST_PIECE]
            if len(piece) < LARGEST_PIECE:
                waiting += piece
                break
            yield FileChunk(file, piece, rows)
            rows = 0
        del full
    if waiting:
        yield FileChunk(file, bytes(waiting), rows)
