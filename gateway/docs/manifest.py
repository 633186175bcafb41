"""What the documentation consists of: written when it is built, read when the gateway is rendered."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

MANIFEST = "site.json"


@dataclass(frozen=True, slots=True)
class SiteFile:
    """A file of the documentation: where it is served, and how."""

    path: str
    media_type: str
    # Names in the folder: the file as it is, and compressed for clients that take gzip. One may be missing.
    plain: str = ""
    compressed: str = ""
    # A digest of its bytes, and how many there are of what is sent at most.
    digest: str = ""
    size: int = 0
    # What a page may load, as a Content-Security-Policy.
    policy: str = ""
    # Whether its path has the digest in it, so that a browser need never ask again.
    lasting: bool = False
    # Whether it is served to operators alone, on their listener.
    for_operators: bool = False


def write_manifest(folder: Path, files: Iterable[SiteFile]) -> None:
    """Writes the manifest beside its files."""
    text = json.dumps([asdict(file) for file in files], indent=1)
    (folder / MANIFEST).write_text(f"{text}\n", encoding="utf-8")


def read_manifest(folder: Path) -> tuple[SiteFile, ...]:
    """Returns the files of a folder; none where nothing was built."""
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
    except OSError:
        return ()
    return tuple(SiteFile(**each) for each in json.loads(text))
