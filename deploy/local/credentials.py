"""Makes the secrets of a stack, once: random ones, each in a file that only its owner reads."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

from deploy.faults import CommandError

# Who has a role of their own in the database.
SERVICES = ("identity", "catalog", "session", "stats")
RANDOM = (
    *("postgres_password", "postgres_superuser_password"),
    *(f"postgres_{service}_password" for service in SERVICES),
    *("redis_password", "internal_token"),
)
SIGNING_KEY = "signing_key.pem"
PUBLIC_KEYS = "jwks.json"


class CredentialsError(CommandError):
    """The key tool failed; the message is its own."""


def make_random(directory: Path) -> None:
    """Makes the random secrets that do not exist yet; keeps the others."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in RANDOM:
        path = directory / name
        if path.exists():
            continue
        # Named last, so that an interrupted run leaves no empty secret.
        unfinished = path.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(32))
        unfinished.rename(path)


def make_signing_key(directory: Path) -> None:
    """Makes the signing key and its public keys when they are missing. Raises CredentialsError."""
    if (directory / SIGNING_KEY).exists() and (directory / PUBLIC_KEYS).exists():
        return
    command = [sys.executable, "-m", "identity_service.keys", str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise CredentialsError(f"the signing key could not be made: {' '.join(last)}")


def read(directory: Path, name: str) -> str:
    """A random secret."""
    return (directory / name).read_text().strip()
