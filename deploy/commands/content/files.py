"""Reads content files and finds what is wrong with them, with file and line.

Nothing here knows a service: entries come out as the fields of the messages
that they are loaded as.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeAlias

import yaml

from deploy.commands.content.kinds import Bound, EntryList, Field, Kind, Order
from deploy.commands.content.rules import Complaint, Plain, entry_nodes, folded, read_value
from deploy.commands.content.schema import KINDS, PRODUCTS

# A value is plain, or the entries inside an entry.
Value: TypeAlias = "Plain | list[Entry]"
Entry: TypeAlias = "Mapping[str, Value]"


SHIPPED = Path(__file__).resolve().parents[3] / "content"


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
    products = products_of(directory)
    for kind in KINDS:
        files = sorted(directory.glob(kind.files))
        known.update(files)
        reader = _KindReader(kind, content.faults, products)
        content.entries[kind.name] = [entry for file in files for entry in reader.read(file)]
    if not known:
        content.faults.append(Fault(directory, 1, "there are no content files here"))
    for file in sorted({*directory.rglob("*.yaml"), *directory.rglob("*.yml")} - known):
        places = ", ".join(kind.files for kind in KINDS)
        content.faults.append(Fault(file, 1, f"is not read by anything; content files are {places}"))
    content.faults.sort()
    return content


def read_file(file: Path, kind: Kind) -> Content:
    """Reads one file of a kind, wherever it is, as read_content does. Raises OSError without the file."""
    content = Content()
    reader = _KindReader(kind, content.faults, products_of(file.parent))
    content.entries[kind.name] = list(reader.read(file))
    content.faults.sort()
    return content


def products_of(directory: Path) -> Sequence[str]:
    """Returns the products that content of `directory` may name: its own, else those that ship."""
    file = directory / PRODUCTS.files
    reader = _KindReader(PRODUCTS, [], ())
    deque(reader.read(file if file.exists() else SHIPPED / PRODUCTS.files), maxlen=0)
    return reader.identities


class _Pair(NamedTuple):
    """A field as an entry has it."""

    described: Field
    key: yaml.Node
    value: yaml.Node


class _KindReader:
    """Reads the files of one kind, and remembers ids over all of them."""

    def __init__(self, kind: Kind, faults: list[Fault], products: Sequence[str]) -> None:
        self._kind = kind
        self._faults = faults
        self._products = products
        # By what has the id and the id, because the ids of words are apart from those of activities.
        self._places: dict[tuple[str, object], str] = {}

    @property
    def identities(self) -> list[str]:
        """What entries are called by, whatever else is wrong with them, in their order."""
        return [str(identity) for form, identity in self._places if form == self._kind.name]

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
            entry = self._read_entry(file, node, self._kind)
            if entry is not None:
                yield entry

    def _parse(self, file: Path) -> yaml.Node | None:
        raw = file.read_bytes()
        try:
            # libyaml's: in Python alone all content takes 0.7 s, half of what it takes to load it.
            root = yaml.compose(raw.decode("utf-8"), Loader=yaml.CSafeLoader)
        except UnicodeDecodeError as error:
            self._faults.append(Fault(file, raw.count(b"\n", 0, error.start) + 1, "is not UTF-8 text"))
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            self._faults.append(Fault(file, line, f"is not YAML: {error.problem or error.context}"))
        except yaml.reader.ReaderError as error:
            line = raw.count(b"\n", 0, error.position) + 1
            self._faults.append(Fault(file, line, "has a character that no text has"))
        else:
            if root is None:
                self._faults.append(Fault(file, 1, f"has no {self._kind.name}"))
            return root
        return None

    def _read_entry(self, file: Path, node: yaml.Node, form: Kind | EntryList) -> Entry | None:
        """Returns the fields of an entry under their message names, or None when it has a fault."""
        before = len(self._faults)
        if not isinstance(node, yaml.MappingNode):
            keys = ", ".join(one.key for one in form.fields)
            self._fault(file, node, f"must be an entry with the fields {keys}")
            return None
        pairs = self._known_pairs(file, node, form.fields)
        entry: dict[str, Value] = {}
        for described, key_node, value_node in pairs.values():
            value = self._read_field(file, described, value_node)
            if value is None:
                continue
            entry[described.message_field] = value
            if described.key == form.identity:
                self._claim(file, key_node, form, value)
        if len(self._faults) == before and isinstance(form, Kind):
            for bound in form.bounds:
                self._hold_to_bound(file, pairs, bound)
            for order in form.orders:
                self._hold_to_order(file, pairs, order)
            for key, message in form.judge(entry) if form.judge else ():
                self._fault(file, pairs[key].value if key in pairs else node, f"{key} {message}")
        return entry if len(self._faults) == before else None

    def _read_field(self, file: Path, described: Field, node: yaml.Node) -> Value | None:
        def report(complaint: Complaint) -> None:
            self._fault(file, complaint.node, f"{described.key} {complaint.message}")

        if not isinstance(described.rule, EntryList):
            return read_value(node, described.rule, report, self._products)
        nodes = entry_nodes(node, described.rule, report)
        entries = [self._read_entry(file, inner, described.rule) for inner in nodes]
        self._forbid_repeats(file, nodes, entries, described.rule)
        return [entry for entry in entries if entry is not None]

    def _known_pairs(self, file: Path, node: yaml.MappingNode, fields: tuple[Field, ...]) -> dict[str, _Pair]:
        """Returns the fields an entry has, by key; those unknown, given twice or missing become faults."""
        known = {one.key: one for one in fields}
        pairs: dict[str, _Pair] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else "this"
            if key not in known:
                self._fault(file, key_node, f"{key} is not a field; the fields are {', '.join(known)}")
            elif key in pairs:
                first = _line(pairs[key].key)
                self._fault(file, key_node, f"{key} is given twice in one entry, first on line {first}")
            else:
                pairs[key] = _Pair(known[key], key_node, value_node)
        for described in fields:
            if described.required and described.key not in pairs:
                self._fault(file, node, f"{described.key} is missing")
        return pairs

    def _forbid_repeats(
        self, file: Path, nodes: list[yaml.Node], entries: list[Entry | None], form: EntryList
    ) -> None:
        """Makes a fault of every entry of a list whose distinct text an earlier one has."""
        lines: dict[str, int] = {}
        for node, entry in zip(nodes, entries, strict=True):
            if not form.distinct or entry is None:
                continue
            written = str(entry[form.distinct])
            first = lines.get(folded(written))
            if first is None:
                lines[folded(written)] = _line(node)
            else:
                message = f"{form.distinct} {written!r} is in these {form.name} already, on line {first}"
                self._fault(file, node, message)

    def _hold_to_bound(self, file: Path, pairs: dict[str, _Pair], bound: Bound) -> None:
        value = pairs[bound.field].value
        if pairs[bound.when].value.value == bound.value and float(value.value) > bound.largest:
            self._fault(
                file,
                value,
                f"{bound.field} must be at most {bound.largest} when {bound.when} is {bound.value},"
                f" not {value.value}",
            )

    def _hold_to_order(self, file: Path, pairs: dict[str, _Pair], order: Order) -> None:
        if order.first in pairs and order.last in pairs:
            first, last = pairs[order.first].value, pairs[order.last].value
            if last.value < first.value:
                message = f"{order.last} must not be before {order.first}, {first.value}, but is {last.value}"
                self._fault(file, last, message)

    def _claim(self, file: Path, node: yaml.Node, form: Kind | EntryList, identity: Value) -> None:
        first = self._places.get((form.name, identity))
        if first is not None:
            self._fault(file, node, f"{form.identity} {identity} is taken already, at {first}")
        else:
            self._places[(form.name, identity)] = f"{file}:{_line(node)}"

    def _fault(self, file: Path, node: yaml.Node, message: str) -> None:
        self._faults.append(Fault(file, _line(node), message))


def _line(node: yaml.Node) -> int:
    line: int = node.start_mark.line
    return line + 1
