"""Holds an entry for a product to what a policy can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.json_format import ParseDict
from practice.session.v1 import product_admin_service_pb2 as pb

from session_service.domain.policies import policy_faults
from session_service.publication.converters import policy_from_proto


def product_faults(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields fields and what is wrong with them, as the service finds it, which need not run."""
    policy = policy_from_proto(ParseDict(dict(entry), pb.ProductRow()))
    yield from ((fault.field, fault.problem) for fault in policy_faults(policy))
