"""Makes the files that docker-compose.yml mounts as secrets.

The directory is closed to others; the files in it are readable, because each
container reads its own under a user id that means nothing on this machine.
"""

from __future__ import annotations

from pathlib import Path

from deploy.local import credentials, postgres_server, redis_server

REDIS_DATA = Path("/data")
READABLE = 0o444


def make(directory: Path) -> None:
    """Makes the secrets that are missing and keeps the others. Safe to repeat."""
    credentials.make_random(directory)
    credentials.make_signing_key(directory)
    postgres = credentials.read(directory, "postgres_password")
    redis = credentials.read(directory, "redis_password")
    derived = {
        "database_url": postgres_server.url(5432, postgres, host="postgres"),
        "redis_url": redis_server.url(6379, redis, host="redis"),
        "redis.conf": redis_server.configuration(REDIS_DATA, 6379, redis, bind="0.0.0.0"),  # noqa: S104
    }
    for name, text in derived.items():
        path = directory / name
        path.unlink(missing_ok=True)
        path.write_text(text)
    for path in directory.iterdir():
        path.chmod(READABLE)
