"""What has a name in the contracts is a resource of a type, and fields that take its name say so."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from buf.validate import validate_pb2
from google.api import field_behavior_pb2, resource_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorSet

from gateway.contracts import operator_methods, public_methods
from gateway.settings import ROOT

CONTRACTS = ROOT / "generated" / "practice.binpb"
# A rule such as `^sessions/[1-9][0-9]{0,17}$` names the collection.
COLLECTION = re.compile(r"\^([a-z]+)/")


def messages() -> Iterator[DescriptorProto]:
    for file in FileDescriptorSet.FromString(CONTRACTS.read_bytes()).file:
        if file.package.startswith("practice.") and not file.package.startswith("practice.products."):
            yield from file.message_type


MESSAGES = list(messages())


def resource_of(message: DescriptorProto) -> resource_pb2.ResourceDescriptor:
    return message.options.Extensions[resource_pb2.resource]


RESOURCES = {resource_of(each).plural: resource_of(each) for each in MESSAGES if resource_of(each).type}


def collection_of(field: FieldDescriptorProto) -> str:
    """Returns the collection that a field's rule names, empty without one."""
    rule = field.options.Extensions[validate_pb2.field].string.pattern
    found = COLLECTION.match(rule)
    return found[1] if found else ""


def test_whatever_has_an_identifier_is_a_resource() -> None:
    identified = {
        message.name
        for message in MESSAGES
        for field in message.field
        if field_behavior_pb2.IDENTIFIER in field.options.Extensions[field_behavior_pb2.field_behavior]
    }
    assert identified == {message.name for message in MESSAGES if resource_of(message).type}
    assert len(identified) == len(RESOURCES) == 8


@pytest.mark.parametrize("plural", RESOURCES)
def test_a_resource_is_named_as_its_paths_are(plural: str) -> None:
    resource = RESOURCES[plural]
    assert re.fullmatch(r"practice\.example/[A-Z][A-Za-z]+", resource.type)
    assert list(resource.pattern) == [f"{plural}/{{{resource.singular}}}"]
    methods = (*public_methods(CONTRACTS), *operator_methods(CONTRACTS))
    paths = {binding.path.split(":")[0] for method in methods for binding in method.bindings}
    assert any(path.startswith(f"/v1/{plural}") or f"={plural}/" in path for path in paths)


def test_every_field_that_takes_a_name_says_of_what() -> None:
    fields = [(message, field) for message in MESSAGES for field in message.field if collection_of(field)]
    assert len(fields) > 20
    for message, field in fields:
        reference = field.options.Extensions[resource_pb2.resource_reference].type
        assert reference == RESOURCES[collection_of(field)].type, f"{message.name}.{field.name}"


def test_every_reference_is_to_a_type_that_there_is() -> None:
    types = {each.type for each in RESOURCES.values()}
    for message in MESSAGES:
        for field in message.field:
            reference = field.options.Extensions[resource_pb2.resource_reference].type
            assert reference in {"", *types}, f"{message.name}.{field.name}"
