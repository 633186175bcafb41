"""Podman with a store, networks and settings of its own: nothing of the machine's is read or changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path

from deploy.local.layout import ROOT

CACHE = Path("/var/cache/practice-containers")
COMPOSE = "podman-compose==1.6.0"
_RUN = Path("/run/practice-containers")
# Debian 12's crun refuses control groups of version 1, and limits above the machine's cannot be set.
_CONTAINERS = """\
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "{run}/libpod"
[network]
network_backend = "netavark"
network_config_dir = "{cache}/networks"
"""
_STORAGE = """\
[storage]
driver = "overlay"
graphroot = "{cache}/store"
runroot = "{run}/storage"
"""


def lacking() -> str:
    """Returns why containers cannot be run here; empty when they can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "it needs root on Linux"
    programs = {"podman": "podman", "runc": "runc", "catatonit": "catatonit"}
    missing = [package for program, package in programs.items() if shutil.which(program) is None]
    if not any(Path(place, "netavark").exists() for place in ("/usr/lib/podman", "/usr/libexec/podman")):
        missing.append("netavark aardvark-dns")
    return f"it needs {' '.join(missing)}, which apt-get installs" if missing else ""


def environment() -> dict[str, str]:
    """Returns the environment in which podman knows its own store alone, whose settings it writes."""
    (CACHE / "networks").mkdir(parents=True, exist_ok=True)
    settings = {"CONTAINERS_CONF": _CONTAINERS, "CONTAINERS_STORAGE_CONF": _STORAGE}
    result = dict(os.environ)
    for name, text in settings.items():
        path = CACHE / f"{name.lower()}.conf"
        path.write_text(text.format(cache=CACHE, run=_RUN))
        result[name] = str(path)
    return result


def podman(
    *words: str, check: bool = True, input_file: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs podman. Raises AssertionError with what it says when it fails and that is not expected."""
    command = ["podman", "--log-level=error", *words]
    done = subprocess.run(
        command, env=environment(), stdin=input_file, capture_output=True, text=True, check=False
    )
    assert not check or done.returncode == 0, f"{' '.join(command)}: {done.stderr[-2000:]}"
    return done


def compose(settings: Mapping[str, str], *words: str) -> None:
    """Runs podman-compose, which is installed beside the store, on docker-compose.yml."""
    home = CACHE / COMPOSE
    if not (home / "bin" / "podman-compose").exists():
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([home / "bin" / "pip", "install", "--quiet", COMPOSE], check=True)
    command = [str(home / "bin" / "podman-compose"), *words]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**environment(), **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout[-3000:]}"
