"""Reads content files and finds what is wrong with them, with file and line.

Nothing here knows a service: entries come out as the fields of the messages
that they are loaded as.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from deploy.content_rules import Complaint, Value, read_value
from deploy.content_schema import KINDS, Kind

Entry = Mapping[str, Value]


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """Something an author has to correct."""

    file: Path
    # From 1.
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclass(slots=True)
class Content:
    """What a directory holds. Entries can be trusted only without faults."""

    # By kind, in the order of files and of entries in them.
    entries: dict[str, list[Entry]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def read_content(directory: Path) -> Content:
    """Reads the content files of every kind in `directory`. Bad content becomes faults, not exceptions."""
    content = Content()
    known: set[Path] = set()
    for kind in KINDS:
        files = sorted(directory.glob(kind.files))
        known.update(files)
        reader = _KindReader(kind, content.faults)
        content.entries[kind.name] = [entry for file in files for entry in reader.read(file)]
    if not known:
        content.faults.append(Fault(directory, 1, "there are no content files here"))
    for file in sorted({*directory.rglob("*.yaml"), *directory.rglob("*.yml")} - known):
        places = ", ".join(kind.files for kind in KINDS)
        content.faults.append(Fault(file, 1, f"is not read by anything; content files are {places}"))
    content.faults.sort()
    return content


class _KindReader:
    """Reads the files of one kind, and remembers ids over all of them."""

    def __init__(self, kind: Kind, faults: list[Fault]) -> None:
        self._kind = kind
        self._faults = faults
        self._fields = {known.key: known for known in kind.fields}
        self._places: dict[Value, str] = {}

    def read(self, file: Path) -> Iterator[Entry]:
        """Yields the entries of `file` that have no fault."""
        root = self._parse(file)
        if root is None:
            return
        if not isinstance(root, yaml.SequenceNode) or not root.value:
            self._fault(
                file,
                root,
                f"must be a list of {self._kind.name}, each beginning with '- {self._kind.identity}:'",
            )
            return
        for node in root.value:
            entry = self._read_entry(file, node)
            if entry is not None:
                yield entry

    def _parse(self, file: Path) -> yaml.Node | None:
        raw = file.read_bytes()
        try:
            root = yaml.compose(raw.decode("utf-8"), Loader=yaml.SafeLoader)
        except UnicodeDecodeError as error:
            self._faults.append(Fault(file, raw.count(b"\n", 0, error.start) + 1, "is not UTF-8 text"))
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            self._faults.append(Fault(file, line, f"is not YAML: {error.problem or error.context}"))
        except yaml.reader.ReaderError as error:
            line = raw.decode("utf-8").count("\n", 0, error.position) + 1
            self._faults.append(Fault(file, line, "has a character that no text has"))
        else:
            if root is None:
                self._faults.append(Fault(file, 1, f"has no {self._kind.name}"))
            return root
        return None

    def _read_entry(self, file: Path, node: yaml.Node) -> Entry | None:
        """Returns the fields of an entry under their message names, or None when it has a fault."""
        before = len(self._faults)
        if not isinstance(node, yaml.MappingNode):
            self._fault(file, node, f"must be an entry with the fields {', '.join(self._fields)}")
            return None
        entry: dict[str, Value] = {}
        for key, key_node, value_node in self._known_pairs(file, node):

            def report(complaint: Complaint, key: str = key) -> None:
                self._fault(file, complaint.node, f"{key} {complaint.message}")

            value = read_value(value_node, self._fields[key].rule, report)
            if value is None:
                continue
            entry[self._fields[key].message_field] = value
            if key == self._kind.identity:
                self._claim(file, key_node, value)
        return entry if len(self._faults) == before else None

    def _known_pairs(self, file: Path, node: yaml.MappingNode) -> list[tuple[str, yaml.Node, yaml.Node]]:
        """Returns the fields an entry has; those unknown, given twice or missing become faults."""
        pairs: dict[str, tuple[str, yaml.Node, yaml.Node]] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else "this"
            if key not in self._fields:
                self._fault(file, key_node, f"{key} is not a field; the fields are {', '.join(self._fields)}")
            elif key in pairs:
                first = pairs[key][1].start_mark.line + 1
                self._fault(file, key_node, f"{key} is given twice in one entry, first on line {first}")
            else:
                pairs[key] = (key, key_node, value_node)
        for key in self._fields:
            if key not in pairs:
                self._fault(file, node, f"{key} is missing")
        return list(pairs.values())

    def _claim(self, file: Path, node: yaml.Node, identity: Value) -> None:
        here = f"{file}:{node.start_mark.line + 1}"
        first = self._places.setdefault(identity, here)
        if first != here:
            self._fault(file, node, f"{self._kind.identity} {identity} is taken already, at {first}")

    def _fault(self, file: Path, node: yaml.Node, message: str) -> None:
        self._faults.append(Fault(file, node.start_mark.line + 1, message))
