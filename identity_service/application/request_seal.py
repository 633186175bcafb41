"""Keeps passwords out of the idempotency record.

The record holds a digest of the request to tell a repeat from another
request. A plain digest of a request with a password lets whoever reads the
table try passwords millions of times a second; a keyed one tells them
nothing. The key comes from the signing key, so a repeat that arrives after a
rotation counts as another request and is refused.
"""

from __future__ import annotations

import hmac
from dataclasses import replace

from service_kit.call import Call


class RequestSeal:
    """Replaces request digests by keyed ones."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __call__(self, call: Call) -> Call:
        """Returns the call with the digest that may be stored."""
        if call.request is None:
            return call
        sealed = hmac.digest(self._key, call.request.digest, "sha256")
        return replace(call, request=replace(call.request, digest=sealed))
