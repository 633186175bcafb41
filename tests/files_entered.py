"""Which files of the project a call goes through."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).parents[1]
_PACKAGES = tuple(
    str(ROOT / name) + "/"
    for name in (
        *("identity_service", "catalog_service", "session_service", "stats_service"),
        *("service_kit", "contract_kit", "gateway", "deploy"),
    )
)


@contextmanager
def files_entered() -> Iterator[set[str]]:
    """Collects the files whose functions are entered within the block, here and in threads begun in it."""
    entered: set[str] = set()
    names: dict[str, str | None] = {}

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event != "call":
            return
        file = frame.f_code.co_filename
        if file not in names:
            names[file] = str(Path(file).relative_to(ROOT)) if file.startswith(_PACKAGES) else None
        name = names[file]
        if name is not None:
            entered.add(name)

    before = sys.getprofile()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield entered
    finally:
        sys.setprofile(before)
        threading.setprofile(None)  # type: ignore[arg-type]


class Entered:
    """The files that were entered, by the package that they are in."""

    def __init__(self, *runs: set[str]) -> None:
        """Keeps what every run entered: what is done beside them now and then is no part of them."""
        self.files = sorted(set.intersection(*runs))

    def of(self, package: str) -> list[str]:
        """Returns those of a package. There are some, or nothing was watched."""
        found = [file for file in self.files if file.startswith(f"{package}/")]
        assert found, f"nothing of {package} was entered"
        return found

    def __repr__(self) -> str:
        return "\n".join(self.files)
