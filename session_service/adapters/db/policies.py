"""Policies as the database has them: JSON, which a version never changes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter

from session_service.domain.policies import Policy

_POLICY: TypeAdapter[Policy] = TypeAdapter(Policy)


@lru_cache(maxsize=1024)
def policy_from_text(text: str) -> Policy:
    """Returns the policy that a version's JSON says. Equal texts are read once a process."""
    return _POLICY.validate_json(text)


def policy_to_json(policy: Policy) -> Any:
    """Returns a policy as a version has it, with every value that is a default today."""
    return _POLICY.dump_python(policy, mode="json")
