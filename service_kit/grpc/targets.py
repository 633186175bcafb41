"""gRPC targets: the address of a service, or a list of addresses."""

from __future__ import annotations

from service_kit.setting_types import addresses, is_ip, split_address

_IN_TURN: dict[str, object] = {"loadBalancingConfig": [{"round_robin": {}}]}


def target(address: str) -> str:
    """Returns what gRPC calls `host:port`, or a list of IP addresses with ports. Raises ValueError."""
    listed = addresses(address)
    if len(listed) == 1:
        return listed[0]
    return f"{'ipv6' if '[' in address else 'ipv4'}:{','.join(listed)}"


def in_turn(address: str) -> dict[str, object]:
    """Returns the part of a service configuration that asks each of several processes in turn.

    A name may resolve to several; an IP address is one.
    """
    listed = addresses(address)
    return {} if len(listed) == 1 and is_ip(split_address(listed[0])[0]) else _IN_TURN
