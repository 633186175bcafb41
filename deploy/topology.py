"""The platform's processes as data: the one source for the local stack and the containers.

docker-compose.yml is tested against this. A word of a command that begins with
`$` names a setting whose value takes its place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

ProbeKind = Literal["postgres", "redis", "grpc", "http", "heartbeat"]
Image = Literal["postgres", "redis", "envoy", "practice"]


@dataclass(frozen=True)
class Process:
    """A process that runs until it is stopped, and is started again when it dies."""

    name: str
    probe: ProbeKind
    image: Image = "practice"
    # Empty for the database servers, which are started their own way everywhere.
    command: tuple[str, ...] = ()
    # Processes that must be healthy, and jobs that must be done, before it starts.
    needs: tuple[str, ...] = ()
    # Starts beside the processes that it needs, where one supervisor starts all: it waits for them by itself.
    patient: bool = False
    # The one schema of the database that it reads and writes.
    schema: str = ""
    # Names of the settings it always gets, and of those it gets when somebody gives them.
    settings: tuple[str, ...] = ()
    tunables: tuple[str, ...] = ()
    # The class that its program reads its settings with: `module:class`.
    reads: str = ""
    # The setting that says how many of it run, where several may.
    count_setting: str = ""
    stop_signal: str = "TERM"
    # Seconds to end by itself before it is killed.
    stop_seconds: int = 20


@dataclass(frozen=True)
class Job:
    """A command that runs to its end at every start; doing it again changes nothing."""

    name: str
    command: tuple[str, ...]
    needs: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    tunables: tuple[str, ...] = ()
    # As a process's.
    reads: str = ""
    # Tells from the last words of its command and its environment whether it would find nothing to do, where
    # one supervisor starts all: `module:function`. Asking takes less than starting it.
    asks: str = ""


_SERVES = ("LISTEN", "DATABASE_URL", "JWKS_URI", "INTERNAL_TOKEN_FILE")
_SERVES_TUNABLES = (
    "JWT_ISSUER",
    "JWT_ACCESS_TOKEN_EXPIRE_HOURS",
    "LOG_LEVEL",
    "DATABASE_POOL_SIZE",
    "MAX_CONCURRENT_RPCS",
    "MAX_CONCURRENT_RPCS_PER_USER",
    "STREAM_STALL_SECONDS",
    "STREAM_CHECK_SECONDS",
    "STREAM_QUIET_SECONDS",
    "MAX_DEADLINE_SECONDS",
    "GRPC_REFLECTION",
    "SHUTDOWN_GRACE_SECONDS",
)


def _service(
    name: str,
    *settings: str,
    needs: tuple[str, ...] = ("migrate",),
    tunables: tuple[str, ...] = (),
    reads: str = "Settings",
    count_setting: str = "",
) -> Process:
    return Process(
        name,
        "grpc",
        command=("python", "-m", f"{name}_service.main"),
        needs=needs,
        schema=name,
        settings=(*_SERVES, *settings),
        tunables=(*_SERVES_TUNABLES, *tunables),
        reads=f"{name}_service.settings:{reads}",
        count_setting=count_setting,
    )


_DOWNLOADS = ("MAX_DOWNLOADS", "MAX_DOWNLOADS_PER_USER")
_WATCHES = ("WATCH_LOOK_SECONDS", "MAX_WATCHES", "MAX_WATCHES_PER_USER")
_ADDRESSES = (
    "IDENTITY_ADDRESS",
    "CATALOG_ADDRESS",
    "SESSION_ADDRESS",
    "STATS_ADDRESS",
    "BRIDGE_ADDRESS",
)
# What Envoy's configuration is rendered from.
_EDGE_TUNABLES = (
    "JWT_ISSUER",
    "GATEWAY_OPERATORS_HOST",
    "GATEWAY_ERRORS_URL",
    "GATEWAY_TRUSTED_PROXIES",
    "GATEWAY_MAX_CONNECTIONS",
    "GATEWAY_MAX_HEAP_MIB",
    "GATEWAY_MAX_OPEN_CALLS",
    "GATEWAY_MAX_UPLOADS",
    "GATEWAY_MAX_UPLOADS_PER_ADDRESS",
    "GATEWAY_MAX_UPLOADS_PER_USER",
    "GATEWAY_ADDRESS_RATE",
    "GATEWAY_ADDRESS_BURST",
    "GATEWAY_OPEN_ADDRESS_RATE",
    "GATEWAY_OPEN_ADDRESS_BURST",
    "GATEWAY_ACCOUNT_RATE_PER_MINUTE",
    "GATEWAY_REQUEST_TIMEOUT_SECONDS",
    "GATEWAY_UPLOAD_SECONDS",
    "GATEWAY_UPLOAD_IDLE_SECONDS",
    "GATEWAY_DOWNLOAD_SECONDS",
    "GATEWAY_DOWNLOAD_IDLE_SECONDS",
    "GATEWAY_WATCH_SECONDS",
    "GATEWAY_STREAM_IDLE_SECONDS",
    "GATEWAY_HEALTH_INTERVAL_SECONDS",
    "GATEWAY_HEALTH_TIMEOUT_SECONDS",
)
_EDGE = (
    "GATEWAY_HOST",
    "GATEWAY_PORT",
    "GATEWAY_ADMIN_PORT",
    "GATEWAY_OPERATORS_PORT",
    *_ADDRESSES,
    "CORS_ORIGINS",
    "JWKS_FILE",
    "DESCRIPTOR_FILE",
)

PROCESSES = (
    # SIGINT is PostgreSQL's fast shutdown; SIGTERM waits for clients to leave.
    Process("postgres", "postgres", image="postgres", stop_signal="INT", stop_seconds=60),
    Process("redis", "redis", image="redis", stop_seconds=30),
    _service(
        "identity",
        *("SIGNING_KEY_FILE", "CATALOG_ADDRESS", "SESSION_ADDRESS", "STATS_ADDRESS"),
        tunables=(
            "JWT_REFRESH_TOKEN_EXPIRE_DAYS",
            "LOG_IN_FAILURES_PER_ACCOUNT_AND_ADDRESS",
            "LOG_IN_FAILURES_PER_ACCOUNT",
            "LOG_IN_FAILURE_WINDOW_SECONDS",
            "LOG_IN_ATTEMPTS_PER_ADDRESS",
            "LOG_IN_ATTEMPT_WINDOW_SECONDS",
            "SIGN_UP_ATTEMPTS_PER_ADDRESS",
            "SIGN_UP_ATTEMPT_WINDOW_SECONDS",
            "PASSWORD_CALLS_WAITING",
            "PASSWORD_CALLS_WAITING_PER_ADDRESS",
            "PASSWORD_MEMORY_KIB",
            "HOUSEKEEPING_SECONDS",
            "ERASURE_RETRY_SECONDS",
            *_DOWNLOADS,
        ),
    ),
    # A zone that cannot be handed over to the session service is handed over
    # with a later call: nobody waits for that service to start.
    _service(
        "catalog",
        *("IDENTITY_ADDRESS", "SESSION_ADDRESS"),
        tunables=("HOUSEKEEPING_SECONDS", "QUOTA_PROBLEMS"),
    ),
    _service(
        "session",
        *("REDIS_URL", "IDENTITY_ADDRESS", "CATALOG_ADDRESS", "STATS_ADDRESS"),
        needs=("migrate", "redis"),
        tunables=(
            "OUTBOX_FIRST_WAIT_SECONDS",
            "SYNC_MAX_AGE_DAYS",
            "PORTAL_STARTS_PER_HOUR",
            "PORTAL_PROGRESS_UPDATES_PER_MINUTE",
            "PORTAL_COMPLETIONS_PER_HOUR",
            "PORTAL_HISTORY_CACHE_SECONDS",
            "PORTAL_DETAILS_CACHE_SECONDS",
            *_DOWNLOADS,
            *_WATCHES,
            *("MAX_LIVE", "MAX_LIVE_PER_USER"),
            *("MAX_DOCUMENTS", "MAX_DOCUMENTS_PER_USER", "MAX_WAITING_DOCUMENTS"),
            *("QUOTA_SESSIONS_PER_DAY", "QUOTA_SYNCED_SESSIONS_PER_DAY"),
            *("QUOTA_OPEN_SESSIONS", "QUOTA_CONVERSATION_MIB"),
        ),
        reads="SessionSettings",
        count_setting="SESSION_PROCESSES",
    ),
    _service(
        "stats",
        *("REDIS_URL", "IDENTITY_ADDRESS", "SESSION_ADDRESS"),
        needs=("migrate", "redis"),
        tunables=(
            *("WAIT_SECONDS", "LEADERBOARD_GRACE_HOURS", "FREEZE_LIMIT", "FREEZE_PURCHASES"),
            *("HOUSEKEEPING_SECONDS", "REPORT_DAYS"),
            *_WATCHES,
        ),
        count_setting="STATS_PROCESSES",
    ),
    Process(
        "relay",
        "heartbeat",
        command=("python", "-m", "session_service.relay"),
        needs=("migrate", "redis"),
        schema="session",
        settings=("DATABASE_URL", "REDIS_URL", "STATS_ADDRESS", "INTERNAL_TOKEN_FILE", "HEARTBEAT_FILE"),
        tunables=(
            *("JOURNAL_DAYS", "LOG_LEVEL", "OUTBOX_FIRST_WAIT_SECONDS"),
            *("RELAY_INTERVAL_SECONDS", "RELAY_LEASE_SECONDS"),
        ),
        reads="session_service.settings:RelaySettings",
    ),
    Process(
        "worker",
        "heartbeat",
        command=(
            *("python", "-m", "celery", "-A", "stats_service.worker", "worker"),
            *("--queues", "completions", "--concurrency", "2"),
            # Chatter between workers that nobody listens to.
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ),
        needs=("migrate", "redis"),
        schema="stats",
        settings=("DATABASE_URL", "REDIS_URL", "HEARTBEAT_FILE"),
        tunables=("LOG_LEVEL", "WATCHDOG_SECONDS", "LEADERBOARD_GRACE_HOURS"),
        reads="stats_service.settings:WorkerSettings",
        stop_seconds=40,
    ),
    Process(
        "recalculator",
        "heartbeat",
        command=(
            *("python", "-m", "celery", "-A", "stats_service.recalculation_worker", "worker", "--beat"),
            # More of it is more of these processes, on as many machines.
            *("--queues", "recalculation,upkeep", "--concurrency", "1"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ),
        needs=("migrate", "redis"),
        schema="stats",
        settings=("DATABASE_URL", "REDIS_URL", "SESSION_ADDRESS", "INTERNAL_TOKEN_FILE", "HEARTBEAT_FILE"),
        tunables=(
            "LOG_LEVEL",
            "WATCHDOG_SECONDS",
            "UPKEEP_SECONDS",
            "LEADERBOARD_CLOSING_SECONDS",
            "RECALCULATION_QUIET_SECONDS",
            "RECONCILIATION_RECENT_SECONDS",
            "RECONCILIATION_NIGHTLY_HOUR",
        ),
        reads="stats_service.settings:RecalculationSettings",
        stop_seconds=40,
    ),
    Process(
        "bridge",
        "http",
        command=("python", "-m", "gateway.bridge"),
        needs=("session",),
        patient=True,
        settings=("LISTEN", "SESSION_ADDRESS", "JWKS_URI", "CORS_ORIGINS"),
        tunables=(
            "JWT_ISSUER",
            "JWT_ACCESS_TOKEN_EXPIRE_HOURS",
            "LOG_LEVEL",
            "SHUTDOWN_GRACE_SECONDS",
            "BRIDGE_TICK_SECONDS",
            "BRIDGE_OPEN_SECONDS",
            "BRIDGE_PING_SECONDS",
            "BRIDGE_SEND_SECONDS",
            "BRIDGE_SEND_BUFFER_KIB",
            "BRIDGE_MAX_CONNECTIONS",
            "BRIDGE_MAX_CONNECTIONS_PER_USER",
            "BRIDGE_MAX_CONNECTIONS_PER_ADDRESS",
        ),
        reads="gateway.bridge.settings:BridgeSettings",
    ),
    Process(
        "gateway",
        "http",
        image="envoy",
        command=(
            *("envoy", "-c", "$GATEWAY_CONFIG", "--concurrency", "1", "--log-level", "warning"),
            # One restart at a time: the supervisor's. Shared memory would tie two stacks together.
            "--disable-hot-restart",
            # What was asked can be read a second later.
            *("--file-flush-interval-msec", "1000"),
        ),
        needs=("gateway-config", "identity", "catalog", "session", "stats", "bridge"),
        patient=True,
        settings=_EDGE,
        tunables=_EDGE_TUNABLES,
        reads="gateway.settings:GatewaySettings",
    ),
)

# Only where supervisord starts the processes; in containers that is the orchestrator's matter.
# It needs the last of them, so it comes last and leaves first.
WATCHER = Process(
    "watcher",
    "heartbeat",
    command=("python", "-m", "deploy.local.watcher", "$PRACTICE_HOME"),
    reads="deploy.local.watcher:WatcherSettings",
    needs=("gateway",),
    patient=True,
    settings=("HEARTBEAT_FILE",),
    tunables=("LOG_LEVEL", "HUNG_SECONDS"),
    stop_seconds=10,
)

JOBS = (
    Job(
        "migrate",
        (
            *("python", "-m", "service_kit.db.migrate"),
            *("identity_service", "catalog_service", "session_service", "stats_service"),
        ),
        needs=("postgres",),
        settings=("DATABASE_URL",),
        tunables=("CELL",),
        reads="service_kit.settings:MigrationSettings",
        asks="service_kit.db.migrate:is_done",
    ),
    Job(
        "content",
        ("python", "-m", "deploy.commands.content.command", "load"),
        needs=("session", "catalog", "stats"),
        settings=("SESSION_ADDRESS", "CATALOG_ADDRESS", "STATS_ADDRESS", "INTERNAL_TOKEN_FILE"),
    ),
    Job(
        "gateway-config",
        ("python", "-m", "gateway.render", "$GATEWAY_CONFIG"),
        settings=_EDGE,
        tunables=_EDGE_TUNABLES,
        reads="gateway.settings:GatewaySettings",
    ),
)


def copy_name(service: str, number: int) -> str:
    """Returns the name of the first, second, ... process of a service: session, session-2, session-3."""
    return service if number == 1 else f"{service}-{number}"


def copies(process: Process, count: int) -> tuple[Process, ...]:
    """Returns a process as often as it is to run. All are alike but for their names and addresses."""
    return tuple(replace(process, name=copy_name(process.name, number)) for number in range(1, count + 1))
