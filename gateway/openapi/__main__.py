"""Writes the documents and their collections for Bruno: `python -m gateway.openapi [DIRECTORY]`."""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path

from gateway.openapi.bruno import write_collection
from gateway.openapi.documents import DOCUMENTS, describe
from gateway.settings import ROOT

CONTRACTS = ROOT / "generated" / "practice.binpb"
VERSION = metadata.version("practice-platform")


def main() -> None:
    """Writes each document to a file of its name, and beside these files its collection to a folder."""
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "generated" / "openapi"
    directory.mkdir(parents=True, exist_ok=True)
    for described in DOCUMENTS:
        document = describe(CONTRACTS, described, VERSION)
        text = json.dumps(document, indent=1, ensure_ascii=False)
        (directory / f"{described.name}.json").write_text(f"{text}\n", encoding="utf-8")
        write_collection(described.name, document, directory.parent / "bruno")


if __name__ == "__main__":
    main()
