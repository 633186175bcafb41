"""Writes the documents and their collections for Bruno: `python -m gateway.openapi [DIRECTORY]`."""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path

from gateway.openapi.bruno import write_collection
from gateway.openapi.documents import DOCUMENTS, describe
from gateway.openapi.live import NAME, describe_live
from gateway.settings import ROOT

CONTRACTS = ROOT / "generated" / "practice.binpb"
VERSION = metadata.version("practice-platform")


def main() -> None:
    """Writes each document to a file of its name, and beside these files its collection to a folder."""
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "generated" / "openapi"
    directory.mkdir(parents=True, exist_ok=True)
    documents = {each.name: describe(CONTRACTS, each, VERSION) for each in DOCUMENTS}
    for name, document in documents.items():
        write_collection(name, document, directory.parent / "bruno")
    for name, document in {**documents, f"{NAME}.asyncapi": describe_live(CONTRACTS, VERSION)}.items():
        text = json.dumps(document, indent=1, ensure_ascii=False)
        (directory / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
