"""Builds the documentation where something of it has changed: `python -m gateway.docs [FOLDER] [--fetch]`.

The script of the reference is fetched once. Where that fails, the site is built without it, which a line on
the standard output says, and tried again when the site is built anew, or with `--fetch`.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
from importlib import metadata
from pathlib import Path

from gateway.docs import scalar
from gateway.docs.manifest import MANIFEST
from gateway.settings import ROOT

CONTRACTS = ROOT / "generated" / "practice.binpb"
FOLDER = ROOT / "build" / "docs"
STAMP = ".fingerprint"
RENDERERS = ("markdown-it-py", "pygments")


def sources() -> list[Path]:
    """Returns the files that the documentation is made from."""
    code = [path for path in (ROOT / "gateway").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return sorted([CONTRACTS, *code, *(ROOT / "docs").glob("*.md")])


def fingerprint(version: str) -> str:
    """Returns a digest of everything that the documentation depends on."""
    script = scalar.VERSION if scalar.is_kept() else "none"
    known = [version, script, *(metadata.version(name) for name in RENDERERS)]
    digest = hashlib.sha256("\0".join(known).encode())
    for path in sources():
        digest.update(os.fsencode(path.relative_to(ROOT)) + b"\0" + path.read_bytes())
    return digest.hexdigest()


def main() -> None:
    """Builds, one process at a time, and says what is missing."""
    parser = argparse.ArgumentParser(prog="python -m gateway.docs", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--fetch", action="store_true", help="try to fetch the script of the reference")
    wanted = parser.parse_args()
    version = os.environ.get("SERVICE_VERSION") or metadata.version("practice-platform")
    wanted.folder.parent.mkdir(parents=True, exist_ok=True)
    with (wanted.folder.parent / f".{wanted.folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        problem = _build(wanted.folder, version, fetch=wanted.fetch)
    if problem:
        print(f"without a reference page: {problem}; `make docs` tries again")


def _build(folder: Path, version: str, *, fetch: bool) -> str:
    """Builds where something has changed, and returns why there is no reference, if it was asked for."""
    stamp = folder / STAMP
    built = stamp.read_text(encoding="utf-8") if (folder / MANIFEST).exists() and stamp.exists() else ""
    if built == fingerprint(version) and not (fetch and not scalar.is_kept()):
        return ""
    problem = ""
    if not scalar.is_kept():
        try:
            scalar.fetch()
        except scalar.UnavailableError as error:
            problem = str(error)
    now = fingerprint(version)
    if built == now:
        return problem
    from gateway.docs.site import build  # noqa: PLC0415 - nobody else waits for what it imports

    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    build(unfinished, CONTRACTS, version)
    (unfinished / STAMP).write_text(now, encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)
    return problem


if __name__ == "__main__":
    main()
