"""What is served at which path, with which methods and query parameters, as paths.lua looks it up.

All of it is read from the contracts. Envoy's transcoder puts a query
parameter into the request even where the path or the body has said the same
field, so those that would are named here, to be refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.contracts import Binding, Method

# A node is {"literals": {segment: node}, "any": node, "ends": {action: {verb: rule}}}.
Node = dict[str, Any]
Rule = dict[str, Any]

# Paths under these take only the query parameters that the contract names.
STRICT_PREFIXES = ("/v1/", "/admin/v1/", "/.well-known/")
# What Envoy itself and the bridge serve.
FRONT_DOOR = (
    Binding("GET", "/"),
    Binding("HEAD", "/"),
    Binding("GET", "/health"),
    Binding("HEAD", "/health"),
)
LIVE = Binding("GET", "/portal/ws/sessions/{session_id}")

_VARIABLE = re.compile(r"\{([^=}]+)(?:=([^}]*))?\}")
# Their JSON is one text or number, and so is their query parameter.
_WHOLE = "google.protobuf."


def path_table(
    methods: Iterable[Method],
    contracts: Path,
    others: Iterable[Binding] = (),
    *,
    events: Collection[str] = (),
) -> Node:
    """Returns the tree of the paths of methods, and of `others`, which have no rules for queries.

    What is called at the paths in `events` may be answered as server-sent events.
    Raises OSError without the contracts' file, and ValueError for a path of any length.
    """
    messages = _messages(contracts)
    root: Node = {}
    for binding in others:
        _put(root, binding, {})
    for method in methods:
        request = messages.FindMessageTypeByName(method.request)
        for binding in method.bindings:
            rule = query_rule(binding, request)
            _put(root, binding, {**rule, "events": True} if binding.path in events else rule)
    return root


def query_rule(binding: Binding, request: Descriptor) -> Rule:
    """Returns which query parameters a call may have.

    `taken` are the fields that the path or the body says, spelled as
    paths.lua compares them. `known` are the others by every spelling, on paths
    that take no unknown ones, and `names` says them to people.
    """
    variables = [variable[1] for variable in _VARIABLE.finditer(binding.path)]
    whole = binding.body == "*"
    taken = [field.name for field in request.fields] if whole else [*variables, *filter(None, [binding.body])]
    rule: Rule = {"taken": [_plain(name) for name in taken]}
    if binding.path.startswith(STRICT_PREFIXES):
        free = [] if whole else [path for path in _paths(request) if not _says_one_of(path, taken)]
        rule["known"] = {spelling: "known" for path in free for spelling in _spellings(path)}
        rule["names"] = ", ".join(_name(path) for path in free)
    return rule


def _messages(contracts: Path) -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    for file in FileDescriptorSet.FromString(contracts.read_bytes()).file:
        pool.Add(file)
    return pool


def _put(root: Node, binding: Binding, rule: Rule) -> None:
    path, action = _apart(binding.path)
    node = root
    for segment in filter(None, path.split("/")):
        if segment == "**":
            raise ValueError(f"a path of any length has no place at the edge: {binding.path}")
        within = node if segment == "*" else node.setdefault("literals", {})
        node = within.setdefault("any" if segment == "*" else segment, {})
    node.setdefault("ends", {}).setdefault(action, {})[binding.verb] = rule


def _apart(template: str) -> tuple[str, str]:
    """Returns a template with its variables as `*`, without its action, and the action behind the colon."""
    path = _VARIABLE.sub(lambda variable: variable[2] or "*", template)
    head, slash, last = path.rpartition("/")
    last, _, action = last.partition(":")
    return head + slash + last, action


def _paths(
    message: Descriptor, above: tuple[FieldDescriptor, ...] = ()
) -> Iterator[tuple[FieldDescriptor, ...]]:
    """Yields the ways to the fields that a query can say: no list of messages, nothing recursive."""
    for field in message.fields:
        path = (*above, field)
        within = field.message_type
        if within is None or within.full_name.startswith(_WHOLE):
            yield path
        elif not field.is_repeated and all(within is not each.message_type for each in above):
            yield from _paths(within, path)


def _says_one_of(path: tuple[FieldDescriptor, ...], taken: list[str]) -> bool:
    return any(f"{_name(path)}.".startswith(f"{name}.") for name in taken)


def _name(path: tuple[FieldDescriptor, ...]) -> str:
    return ".".join(field.name for field in path)


def _spellings(path: tuple[FieldDescriptor, ...]) -> tuple[str, str]:
    return _name(path), ".".join(field.json_name for field in path)


def _plain(name: str) -> str:
    """Returns a name as it compares: `session_id` and `sessionId` are one field."""
    return name.replace("_", "").lower()
