"""Channels to the platform's other services."""

from __future__ import annotations

import json

import grpc

from service_kit.grpc.targets import in_turn, target

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
# What the platform's own services show to each other.
INTERNAL_KEY = "x-practice-internal"

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
            # A process that hangs still takes connections: after five seconds of a call without a
            # word from it, it has three more to show that it lives.
            ("grpc.keepalive_time_ms", 5_000),
            # What bounds the wait for an answer; keepalive_timeout_ms leaves it at a minute.
            ("grpc.http2.ping_timeout_ms", 3_000),
            # The least is also how long a connection may take, and calls wait for it.
            ("grpc.min_reconnect_backoff_ms", 1_000),
            ("grpc.max_reconnect_backoff_ms", 2_000),
            # Who reads a stream slowly has no more of it in memory than this.
            ("grpc.http2.bdp_probe", 0),
            ("grpc.http2.lookahead_bytes", 64 * 1024),
        ],
    )
