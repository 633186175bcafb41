"""Channels to the platform's other services."""

from __future__ import annotations

import json

import grpc

from service_kit.grpc.server import MAX_MESSAGE_BYTES
from service_kit.grpc.targets import in_turn, target

# Reads and idempotent writes only go through these channels, so a call that
# met a restarting server may be sent again.
_RETRIES = {
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.05s",
                "maxBackoff": "1s",
                "backoffMultiplier": 3,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}


def open_channel(address: str) -> grpc.aio.Channel:
    """Returns a channel that retries while the other side restarts. Connects on first use.

    The calls to a list of addresses go to each in turn, past those that do not answer.
    """
    return grpc.aio.insecure_channel(
        target(address),
        options=[
            ("grpc.service_config", json.dumps(_RETRIES | in_turn(address))),
            ("grpc.enable_retries", 1),
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.keepalive_time_ms", 30_000),
            ("grpc.max_reconnect_backoff_ms", 2_000),
        ],
    )
