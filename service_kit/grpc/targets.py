"""gRPC targets: the address of a service, or a list of addresses."""

from __future__ import annotations

from service_kit.setting_types import addresses

_IN_TURN: dict[str, object] = {"loadBalancingConfig": [{"round_robin": {}}]}


def target(address: str) -> str:
    """Returns what gRPC calls `host:port`, or a list of IP addresses with ports. Raises ValueError."""
    listed = addresses(address)
    if len(listed) == 1:
        return listed[0]
    return f"{'ipv6' if '[' in address else 'ipv4'}:{','.join(listed)}"


def in_turn(address: str) -> dict[str, object]:
    """Returns the part of a service configuration that asks each address of a list in turn."""
    return _IN_TURN if "," in address else {}
