"""Holds one YAML value to one rule of the schema."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import NamedTuple

import yaml

from deploy.commands.content.kinds import (
    Choice,
    Condition,
    Day,
    Decimal,
    EntryList,
    Flag,
    Number,
    PlainRule,
    ProductName,
    Text,
    TextList,
)
from stats_service.adapters.cel.conditions import LONGEST, compile_condition
from stats_service.domain.conditions import SESSION, TOTAL, ConditionError

Plain = str | int | float | bool | list[str]

_TEXT_TAG = "tag:yaml.org,2002:str"
_FLAGS = {"yes": True, "no": False, "true": True, "false": False}
# YAML 1.1 reads 0123 as 83 and 1:30 as 90; an author who writes them means neither.
_PLAIN_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,40})")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PLAIN_DECIMAL = re.compile(_PLAIN_NUMBER.pattern + r"(\.[0-9]+)?")


class Complaint(NamedTuple):
    """What is wrong, and with which part of the file."""

    node: yaml.Node
    message: str


def read_value(
    node: yaml.Node, rule: PlainRule, report: Callable[[Complaint], None], products: Sequence[str] = ()
) -> Plain | None:
    """Returns the value that `node` holds, or None after reporting what breaks `rule`.

    `products` are those that there are.
    """
    complaints = list(_complaints(node, rule, products))
    for complaint in complaints:
        report(complaint)
    return None if complaints else _value(node, rule)


def entry_nodes(node: yaml.Node, rule: EntryList, report: Callable[[Complaint], None]) -> list[yaml.Node]:
    """Returns the entries that `node` lists; reports what is wrong with the list, not with them."""
    if not isinstance(node, yaml.SequenceNode):
        first = rule.fields[0].key
        report(Complaint(node, f"must be a list of {rule.name}, each beginning with '- {first}:'"))
        return []
    for complaint in _length_complaints(node, rule.most):
        report(complaint)
    return list(node.value)


def folded(text: str) -> str:
    """Returns what the session service compares of an answer: texts alike here are one answer."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _value(node: yaml.Node, rule: PlainRule) -> Plain:
    match rule:
        case Number():
            return int(node.value)
        case Decimal():
            return float(node.value)
        case TextList():
            return [item.value for item in node.value]
        case Flag():
            return _FLAGS[node.value]
        case Choice():
            return dict(rule.options)[node.value]
    text: str = node.value
    return text


def _complaints(node: yaml.Node, rule: PlainRule, products: Sequence[str]) -> Iterator[Complaint]:
    match rule:
        case Text():
            yield from _text_complaints(node, rule)
        case ProductName():
            yield from _text_complaints(node, Text(longest=40, choices=(*products, *rule.words)))
        case Choice():
            words = tuple(word for word, _ in rule.options)
            yield from _text_complaints(node, Text(longest=max(map(len, words)), choices=words))
        case Flag():
            if not isinstance(node, yaml.ScalarNode) or node.style or node.value not in _FLAGS:
                yield Complaint(node, "must be yes or no")
        case Day():
            yield from _day_complaints(node)
        case Condition():
            yield from _condition_complaints(node, products)
        case Number():
            yield from _number_complaints(node, rule)
        case Decimal():
            yield from _decimal_complaints(node, rule)
        case TextList():
            yield from _list_complaints(node, rule)


def _text_complaints(node: yaml.Node, rule: Text) -> Iterator[Complaint]:
    if not _is_text(node):
        yield Complaint(node, _not_text(node))
    elif not node.value.strip():
        yield Complaint(node, "must not be empty")
    elif node.value != node.value.strip():
        yield Complaint(node, "must not begin or end with a space")
    elif len(node.value) > rule.longest:
        yield Complaint(node, f"must be at most {rule.longest:,} characters, not {len(node.value):,}")
    elif rule.choices and node.value not in rule.choices:
        yield Complaint(node, f"must be one of {', '.join(rule.choices)}, not {node.value!r}")
    elif rule.pattern and not re.fullmatch(rule.pattern, node.value):
        yield Complaint(node, rule.pattern_hint)


def _day_complaints(node: yaml.Node) -> Iterator[Complaint]:
    try:
        readable = isinstance(node, yaml.ScalarNode) and _DAY.fullmatch(node.value) is not None
        if readable and date.fromisoformat(node.value):
            return
    except ValueError:
        pass
    yield Complaint(node, "must be a day, such as 2026-12-01")


def _condition_complaints(node: yaml.Node, products: Sequence[str]) -> Iterator[Complaint]:
    """Asks the service's own reader, which needs no running service."""
    complaints = list(_text_complaints(node, Text(longest=LONGEST)))
    yield from complaints
    if complaints:
        return
    try:
        condition = compile_condition(node.value)
    except ConditionError as error:
        yield Complaint(node, str(error))
        return
    # Statistics know no product by name; who writes badges means one that there is.
    for scope in sorted({scope for scope, _ in condition.variables} - {*products, TOTAL, SESSION}):
        yield Complaint(node, f"speaks of {scope}, which is no product: there are {', '.join(products)}")


def _number_complaints(node: yaml.Node, rule: Number) -> Iterator[Complaint]:
    if not isinstance(node, yaml.ScalarNode) or node.style or not _PLAIN_NUMBER.fullmatch(node.value):
        yield Complaint(node, "must be a whole number in plain digits, such as 123")
    elif not rule.smallest <= int(node.value) <= rule.largest:
        yield Complaint(node, f"must be from {rule.smallest} to {rule.largest:,}, not {node.value}")


def _decimal_complaints(node: yaml.Node, rule: Decimal) -> Iterator[Complaint]:
    if not isinstance(node, yaml.ScalarNode) or node.style or not _PLAIN_DECIMAL.fullmatch(node.value):
        yield Complaint(node, "must be a number in plain digits, such as 0.8")
    elif not 0 < float(node.value) <= rule.largest:
        yield Complaint(node, f"must be above 0 and up to {rule.largest:,}, not {node.value}")


def _list_complaints(node: yaml.Node, rule: TextList) -> Iterator[Complaint]:
    if not isinstance(node, yaml.SequenceNode):
        example = rule.choices[0] if rule.choices else "hable"
        yield Complaint(node, f"must be a list, such as [{example}]")
        return
    yield from _length_complaints(node, rule.most)
    seen: set[str] = set()
    for item in node.value:
        complaints = list(_text_complaints(item, Text(longest=rule.longest, choices=rule.choices)))
        yield from complaints
        if complaints:
            continue
        if folded(item.value) in seen:
            yield Complaint(item, f"must not have {item.value!r} twice")
        seen.add(folded(item.value))


def _length_complaints(node: yaml.SequenceNode, most: int) -> Iterator[Complaint]:
    if not 1 <= len(node.value) <= most:
        yield Complaint(node, f"must have from 1 to {most:,} entries, not {len(node.value):,}")


def _is_text(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == _TEXT_TAG


def _not_text(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode) and node.value:
        return f'must be text; put it in quotes: "{node.value}"'
    return "must be text"
