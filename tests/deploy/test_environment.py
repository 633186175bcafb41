"""The environment that `make` installs: each package has the files that it came with."""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from importlib.metadata import Distribution, PackagePath, distributions
from pathlib import Path

import pytest

# Only tests read its types. It brings copies of other packages' files, some of them empty.
COPIER = "xds-protos"


def shared_files() -> dict[str, list[tuple[Distribution, PackagePath]]]:
    """Returns the files that more than one package brings."""
    owners: dict[str, list[tuple[Distribution, PackagePath]]] = defaultdict(list)
    for package in distributions():
        for file in package.files or ():
            if file.hash is not None:
                owners[str(file)].append((package, file))
    return {file: found for file, found in owners.items() if len(found) > 1}


def digest(path: Path) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=").decode()


def test_what_two_packages_bring_is_as_the_one_that_it_is_of_brings_it() -> None:
    shared = shared_files()
    assert "cel/__init__.py" in shared, "nothing is to be looked at any more"
    replaced = [
        f"{file} is not the one of {package.name}"
        for file, owners in shared.items()
        for package, listed in owners
        if package.name != COPIER and listed.hash and digest(Path(listed.locate())) != listed.hash.value
    ]
    assert replaced == []


@pytest.mark.parametrize("word", ["compile", "evaluate"])
def test_conditions_have_their_library(word: str) -> None:
    import cel

    assert hasattr(cel, word)
