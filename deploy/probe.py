"""Asks one process whether it is healthy; the health checks of the containers and the local stack.

    python -m deploy.probe grpc 127.0.0.1:50051
    python -m deploy.probe http http://127.0.0.1:8080/health
    python -m deploy.probe heartbeat /tmp/worker.heartbeat

Each exits with 0 when healthy, else with 1 and the reason. Asking changes nothing.
"""

from __future__ import annotations

import http.client
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 2.0
# A worker or relay touches its file at least every few seconds.
HEARTBEAT_SECONDS = 15.0


class UnhealthyError(Exception):
    """The process does not serve; the message says what was seen."""


class UnansweredError(UnhealthyError):
    """The process does not even say that it does not serve."""


class DiskFullError(UnhealthyError):
    """The server has no room left to write."""


def grpc_serving(address: str, *parts: str) -> None:
    """Asks grpc.health.v1 of `host:port` whether the process serves, and each of its parts.

    Raises UnhealthyError.
    """
    import grpc  # noqa: PLC0415 - slow to import, and only this probe needs it
    from grpc_health.v1 import health_pb2, health_pb2_grpc  # noqa: PLC0415

    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for part in ("", *parts):
            try:
                answer = stub.Check(health_pb2.HealthCheckRequest(service=part), timeout=TIMEOUT_SECONDS)
            except grpc.RpcError as error:
                silent = error.code() in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE)
                kind = UnansweredError if silent else UnhealthyError
                raise kind(f"{address}: {_describe_status(error.code().name)}") from error
            if answer.status != health_pb2.HealthCheckResponse.SERVING:
                raise UnhealthyError(f"{address}: not serving {part}".rstrip())


def _describe_status(code: str) -> str:
    """What became of a health check, in words."""
    words = {
        "DEADLINE_EXCEEDED": f"does not answer within {TIMEOUT_SECONDS:.0f} s",
        "UNAVAILABLE": "nobody answers",
    }
    return words.get(code, f"answers with an error ({code.lower().replace('_', ' ')})")


def http_ok(address: str) -> None:
    """Asks for a 200 at an http:// address. Raises UnhealthyError."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", parts.path or "/")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise UnansweredError(f"{address}: {error}") from error
    finally:
        connection.close()
    if status != 200:
        raise UnhealthyError(f"{address}: status {status}")


def heartbeat(path: Path, *, since: float = 0.0) -> None:
    """Looks at a file that a live process touches.

    `since` is when the process started (seconds since the epoch): an older beat
    is its predecessor's. Raises UnhealthyError.
    """
    try:
        beat = path.stat().st_mtime
    except FileNotFoundError:
        raise UnhealthyError("no heartbeat yet") from None
    if beat < since:
        raise UnhealthyError("no heartbeat since its start")
    age = time.time() - beat
    if age > HEARTBEAT_SECONDS:
        raise UnansweredError(f"last heartbeat {age:.0f} s ago")


def postgres(url: str) -> None:
    """Connects and writes what leaves nothing behind. Raises UnhealthyError."""
    import psycopg  # noqa: PLC0415

    from service_kit.db.writable import STATEMENTS  # noqa: PLC0415

    try:
        connection = psycopg.connect(url, connect_timeout=int(TIMEOUT_SECONDS))
    except psycopg.Error as error:
        raise UnhealthyError(str(error).strip().splitlines()[0]) from error
    with connection:
        try:
            for statement in STATEMENTS:
                connection.execute(statement)
        except psycopg.errors.DiskFull as error:
            raise DiskFullError(f"takes no writes: {str(error).splitlines()[0]}") from error
        except psycopg.Error as error:
            raise UnhealthyError(f"takes no writes: {str(error).splitlines()[0]}") from error


def redis(url: str) -> None:
    """Pings. Raises UnhealthyError."""
    import redis as driver  # noqa: PLC0415

    client = driver.Redis.from_url(
        url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
    )
    try:
        client.ping()
    except driver.RedisError as error:
        raise UnhealthyError(str(error)) from error
    finally:
        client.close()


def main(arguments: list[str]) -> None:
    """Runs the probe that the first argument names on the second."""
    kind, target = arguments
    try:
        if kind == "heartbeat":
            heartbeat(Path(target))
        else:
            {"grpc": grpc_serving, "http": http_ok}[kind](target)
    except UnhealthyError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
