"""A ZIP archive that is read while it is written."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass, field
from typing import IO, Any

from service_kit.personal_data import FileChunk

MANIFEST = "manifest.json"


class _Drain(io.RawIOBase):
    """Takes what is written and gives it away once. Cannot seek, so ZIP writes sizes after each file."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any, /) -> int:
        """Takes everything."""
        self._waiting += data
        return len(data)

    def take(self) -> bytes:
        """Returns what came since the last time."""
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken


@dataclass(slots=True)
class _Entry:
    """A file being written."""

    name: str
    stream: IO[bytes]
    rows: int = 0
    size: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def described(self) -> dict[str, Any]:
        """Returns what the manifest says of it."""
        return {"name": self.name, "rows": self.rows, "bytes": self.size, "sha256": self.digest.hexdigest()}


class Archive:
    """Files one after the other, then a manifest of them. Holds no more than was not taken yet."""

    def __init__(self) -> None:
        self._drain = _Drain()
        self._zip = zipfile.ZipFile(self._drain, "w", zipfile.ZIP_DEFLATED)
        self._open: _Entry | None = None
        self._done: list[dict[str, Any]] = []

    def add(self, chunk: FileChunk) -> bytes:
        """Takes a piece of a file, and returns what there is of the archive since the last piece."""
        if self._open is None or self._open.name != chunk.file:
            self._close()
            self._open = _Entry(chunk.file, self._zip.open(chunk.file, "w", force_zip64=True))
        self._open.stream.write(chunk.data)
        self._open.digest.update(chunk.data)
        self._open.size += len(chunk.data)
        self._open.rows += chunk.rows
        return self._drain.take()

    def finish(self, **about: object) -> bytes:
        """Adds the manifest, with what is said of the whole, and returns the end of the archive."""
        self._close()
        manifest = {**about, "files": self._done}
        self._zip.writestr(MANIFEST, json.dumps(manifest, indent=2) + "\n")
        self._zip.close()
        return self._drain.take()

    def discard(self) -> None:
        """Lets go of what was not finished."""
        self._close()
        self._zip.close()

    def _close(self) -> None:
        if self._open is not None:
            self._open.stream.close()
            self._done.append(self._open.described())
            self._open = None
