"""Hashes of passwords, and those that anybody tries first."""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from identity_service import data
from identity_service.application.ports.crypto import Passwords
from service_kit.logging import get_logger

_PASSES = 2
_LANES = 1
_AT_ONCE = 2
# What is recommended with two passes; with less, stolen hashes are guessed sooner.
_ENOUGH_MEMORY_KIB = 19 * 1024

log = get_logger(__name__)


class Argon2Passwords(Passwords):
    """Argon2id off the event loop, at most two at once. Close it when the service stops.

    Warns in the log of memory that is enough for tests alone.
    """

    def __init__(self, memory_kib: int) -> None:
        if memory_kib < _ENOUGH_MEMORY_KIB:
            log.warning("passwords_hashed_weakly", memory_kib=memory_kib, enough_kib=_ENOUGH_MEMORY_KIB)
        self._hasher = PasswordHasher(time_cost=_PASSES, memory_cost=memory_kib, parallelism=_LANES)
        # Compared with when there is no account, so that takes as long.
        self._decoy = self._hasher.hash(secrets.token_hex())
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="argon2")

    async def hash(self, password: str) -> str:
        """Returns a new hash, with its own salt."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, password)

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """Tells whether they belong together; without a hash never, after the same work."""
        compared = await asyncio.get_running_loop().run_in_executor(
            self._threads, self._compare, password_hash or self._decoy, password
        )
        return compared and password_hash is not None

    def close(self) -> None:
        """Drops what waits and lets what runs come to its end."""
        self._threads.shutdown(cancel_futures=True)

    def _compare(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except VerifyMismatchError:
            return False


def read_common_passwords() -> frozenset[str]:
    """Returns the commonest passwords, in lower case."""
    text = (files(data) / "common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(text.split("\n")) - {""}
