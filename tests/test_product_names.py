"""One rule for every field that names a product, in every contract; which products there are is data."""

from __future__ import annotations

import re
from collections.abc import Iterator

from buf.validate import validate_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorSet

from deploy.commands.content.files import SHIPPED, products_of
from gateway import products as edge
from gateway.settings import ROOT

NAME = "^[a-z][a-z0-9_]{0,31}$"
RULES = {NAME, f"^$|{NAME}"}
# What a device made offline is judged thing by thing: one with a bad name refuses no other.
JUDGED_ONE_BY_ONE = {"practice.session.v1.OfflineSession.product"}


def _fields(prefix: str, message: DescriptorProto) -> Iterator[tuple[str, FieldDescriptorProto]]:
    for field in message.field:
        yield f"{prefix}.{message.name}.{field.name}", field
    for nested in message.nested_type:
        yield from _fields(f"{prefix}.{message.name}", nested)


def products_of_contracts() -> dict[str, FieldDescriptorProto]:
    """Every field that is a product's name, by its full name."""
    contracts = FileDescriptorSet.FromString((ROOT / "generated" / "practice.binpb").read_bytes())
    return {
        name: field
        for file in contracts.file
        if file.package.startswith("practice.")
        for message in file.message_type
        for name, field in _fields(file.package, message)
        if field.name == "product" and field.type == FieldDescriptorProto.TYPE_STRING
    }


def test_every_field_that_names_a_product_has_the_one_rule() -> None:
    fields = products_of_contracts()
    assert len(fields) > 40
    rules = {name: field.options.Extensions[validate_pb2.field].string for name, field in fields.items()}
    assert {name for name, rule in rules.items() if rule.pattern not in RULES} == JUDGED_ONE_BY_ONE
    listed = {name for name, rule in rules.items() if getattr(rule, "in") or rule.max_len or rule.min_len}
    assert listed == set()


def test_the_rule_lets_every_product_through() -> None:
    assert [name for name in (*products_of(SHIPPED), "all") if not re.fullmatch(NAME, name)] == []


def test_every_product_at_the_edge_has_a_row() -> None:
    assert {row.name for row in edge.PRODUCTS} <= set(products_of(SHIPPED))
