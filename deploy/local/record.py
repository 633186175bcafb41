"""What the running stack was started with, so that `status`, `down` and the demo find it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from deploy.local.layout import Layout
from deploy.local.ports import Ports

SERVERS = ("DATABASE_URL", "REDIS_URL")


@dataclass(frozen=True)
class Record:
    """The last start's ports and given servers; `digest` only once all was healthy."""

    ports: Ports = field(default_factory=Ports)
    servers: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    # All settings that somebody gave.
    given: Mapping[str, str] = field(default_factory=dict)


def read(layout: Layout) -> Record | None:
    """The record, or None when the stack was never started."""
    try:
        kept = json.loads((layout.run / "stack.json").read_text())
        return Record(Ports(**kept["ports"]), kept["servers"], kept["digest"], kept.get("given", {}))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def write(layout: Layout, record: Record) -> None:
    """Replaces the record."""
    path = layout.run / "stack.json"
    unfinished = path.with_suffix(".unfinished")
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(asdict(record)))
    unfinished.rename(path)
