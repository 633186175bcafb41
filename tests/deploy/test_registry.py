"""uv asks the registry that pip is configured with, and the lock file has what is asked for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from pathlib import Path
from threading import Thread

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.local.layout import ROOT
from deploy.registry import cache_for_uv, environment_for_uv, options_for_uv, settings_for_uv

UV = Path(sys.executable).with_name("uv")
LOCK = ROOT / "requirements.lock"
_LOCKED = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^]]*\])?==(\S+)", re.MULTILINE)


@pytest.mark.parametrize(
    ("listing", "told"),
    [
        ("", {}),
        ("global.index-url='https://mirror.example/simple'", {"UV_DEFAULT_INDEX": "https://mirror.example/simple"}),
        (
            "global.index-url='https://a.example'\ninstall.index-url='https://b.example'",
            {"UV_DEFAULT_INDEX": "https://b.example"},
        ),
        (
            ":env:.index-url='https://c.example'\nglobal.index-url='https://a.example'",
            {"UV_DEFAULT_INDEX": "https://c.example"},
        ),
        (
            "global.extra-index-url='\\nhttps://a.example\\nhttps://b.example'",
            {"UV_INDEX": "https://a.example https://b.example"},
        ),
        ("global.find-links='/one /two'", {"UV_FIND_LINKS": "/one,/two"}),
        ("global.cert='/etc/ca.pem'\nglobal.client-cert='/etc/me.pem'", {
            "SSL_CERT_FILE": "/etc/ca.pem", "SSL_CLIENT_CERT": "/etc/me.pem",
        }),
        ("global.proxy='http://proxy.example:3128'", {"ALL_PROXY": "http://proxy.example:3128"}),
        (":env:.default-timeout='180'", {"UV_HTTP_TIMEOUT": "180"}),
        ("download.index-url='https://a.example'\nglobal.user='true'\nglobal.index-url=''", {}),
    ],
)  # fmt: skip
def test_what_pip_is_told_uv_is_told(listing: str, told: dict[str, str]) -> None:
    assert settings_for_uv(listing) == told


def test_without_a_registry_uv_looks_at_the_files_alone() -> None:
    listing = "global.find-links='/wheels'\n:env:.no-index='1'"
    assert options_for_uv(listing) == ["--no-index"]
    assert options_for_uv("global.no-index='false'") == []


def test_what_uv_is_told_itself_goes_before_it() -> None:
    listing = "global.index-url='https://pip.example'"
    found = environment_for_uv(listing, {"UV_DEFAULT_INDEX": "https://uv.example", "HOME": "/home/ana"})
    assert found["UV_DEFAULT_INDEX"] == "https://uv.example"
    assert found["HOME"] == "/home/ana"


def test_where_no_cache_can_be_made_uv_does_without(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert cache_for_uv({"HOME": str(home)}) == {}
    assert (home / ".cache" / "uv").is_dir()
    # Nobody, root neither, makes a directory below a file.
    (tmp_path / "file").touch()
    below = str(tmp_path / "file" / "cache")
    for environment in ({"HOME": below}, {"XDG_CACHE_HOME": below}, {"UV_CACHE_DIR": below}):
        assert cache_for_uv({"HOME": str(home), **environment}) == {"UV_NO_CACHE": "true"}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """A registry that has what is in a directory."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(directory))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def publish(registry: Path, name: str) -> str:
    """Puts version 1 of an empty package into a registry; returns its hash."""
    page = registry / name
    page.mkdir()
    wheel = page / f"{name}-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr(f"{name}.py", "")
        file.writestr(f"{name}-1.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        file.writestr(
            f"{name}-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{name}-1.dist-info/RECORD", "")
    (page / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
    return sha256(wheel.read_bytes()).hexdigest()


def sync(lock: Path, index: str) -> subprocess.CompletedProcess[str]:
    """Installs what a lock file names into a directory beside it; only pip knows the registry."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    return subprocess.run(
        [
            *(sys.executable, str(ROOT / "deploy" / "registry.py"), str(UV), "pip", "sync", "--no-config"),
            *("--no-cache", "--require-hashes", "--python", sys.executable),
            *("--target", str(lock.parent / "installed"), str(lock)),
        ],
        env={**environment, "PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": index},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_package_comes_from_pips_registry_when_its_hash_is_the_locked_one(tmp_path: Path) -> None:
    registry, lock = tmp_path / "registry", tmp_path / "some.lock"
    registry.mkdir()
    digest = publish(registry, "practised")
    with served(registry) as index:
        lock.write_text(f"practised==1 --hash=sha256:{'0' * 64}\n")
        refused = sync(lock, index)
        lock.write_text(f"practised==1 --hash=sha256:{digest}\n")
        done = sync(lock, index)
    assert refused.returncode != 0
    assert "ash mismatch" in refused.stderr
    assert (done.returncode, (tmp_path / "installed" / "practised.py").exists()) == (0, True), done.stderr


def test_the_lock_file_has_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = list(chain(project["dependencies"], *project["optional-dependencies"].values()))
    locked: dict[str, list[str]] = {}
    for name, version in _LOCKED.findall(LOCK.read_text()):
        locked.setdefault(canonicalize_name(name), []).append(version)
    for requirement in map(Requirement, asked):
        versions = locked.get(canonicalize_name(requirement.name), [])
        assert any(map(requirement.specifier.contains, versions)), f"{requirement}: `make lock`"


def test_every_package_is_locked_with_hashes_and_no_address() -> None:
    text = LOCK.read_text()
    packages = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(packages) > 100
    assert [each.split()[0] for each in packages if "--hash=sha256:" not in each] == []
    # Where a package came from when it was locked is nobody's business.
    assert re.findall(r"^-.*|.*://.*|.*file:.*", text, re.MULTILINE) == []
