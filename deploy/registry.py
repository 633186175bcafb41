"""Runs uv with what pip is configured with: `python deploy/registry.py uv pip sync requirements.lock`.

Whoever has told pip of a mirror, a proxy or certificates need not say it to uv as
well. What uv is told by its own variables goes before it. Run by pip's Python and
with the standard library alone: the environment is still empty.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

# Lists have white space between their items in pip's configuration; uv has its own mark for each.
_LISTS = {"extra-index-url": " ", "find-links": ",", "trusted-host": " "}
_UVS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "retries": "UV_HTTP_RETRIES",
}
_TRUE = ("1", "true", "yes", "on")
# The later ones go before the earlier ones, as in pip.
_SECTIONS = ("global", "install", ":env:")
# As pip does: the best version of all registries, where uv would take the first registry that has any.
# A lock file with hashes decides what is installed either way.
_ALWAYS = {"UV_INDEX_STRATEGY": "unsafe-best-match", "UV_SYSTEM_CERTS": "true"}


def settings_of_pip(listing: str) -> dict[str, str]:
    """Returns what is in force of what `pip config list` says."""
    told: dict[str, dict[str, str]] = {section: {} for section in _SECTIONS}
    for line in listing.splitlines():
        name, equals, value = line.partition("=")
        section, dot, option = name.rpartition(".")
        if equals and dot and section in told:
            told[section][option] = str(ast.literal_eval(value))
    return {option: value for section in _SECTIONS for option, value in told[section].items()}


def settings_for_uv(listing: str) -> dict[str, str]:
    """Returns uv's variables for what `pip config list` says."""
    return {
        _UVS[option]: _LISTS[option].join(value.split()) if option in _LISTS else value
        for option, value in settings_of_pip(listing).items()
        if option in _UVS and value.strip()
    }


def options_for_uv(listing: str) -> list[str]:
    """Returns what uv takes as an option alone: nothing is asked of a registry when pip asks none."""
    return ["--no-index"] if settings_of_pip(listing).get("no-index", "") in _TRUE else []


def environment_for_uv(listing: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment to run uv in: what is there goes before what pip says."""
    return {**_ALWAYS, **settings_for_uv(listing), **environment}


def cache_for_uv(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns what lets uv do without a cache where none can be made, as pip does by itself."""
    try:
        caches = environment.get("XDG_CACHE_HOME") or Path(environment.get("HOME") or Path.home()) / ".cache"
        cache = Path(environment.get("UV_CACHE_DIR") or Path(caches) / "uv")
        cache.mkdir(parents=True, exist_ok=True)
        usable = os.access(cache, os.W_OK)
    except (OSError, RuntimeError):
        usable = False
    return {} if usable else {"UV_NO_CACHE": "true"}


def main(command: list[str]) -> int:
    """Runs the command; returns its exit status."""
    # pip's configuration as it is for this Python, environment variables included.
    asked = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    listing = subprocess.run(asked, stdout=subprocess.PIPE, text=True, check=True).stdout
    environment = {**environment_for_uv(listing, os.environ), **cache_for_uv(os.environ)}
    return subprocess.run([*command, *options_for_uv(listing)], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
