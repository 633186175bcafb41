"""The script that makes stubs and descriptors from the contracts, as a module."""

from __future__ import annotations

import importlib.util
from types import ModuleType

from tests.databases import ROOT


def load_generator() -> ModuleType:
    """Returns a module of its own, so that a test may set what it has."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "protos" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
