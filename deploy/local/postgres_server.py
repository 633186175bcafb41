"""Makes and starts a PostgreSQL cluster in a directory, as root or as anybody.

Loopback TCP with SCRAM passwords only: no Unix socket, whose path would have
to be short. The roles: `postgres`, the superuser nobody uses in a program; `practice`,
the owner of the database `practice`, who migrates it; and `practice_SERVICE`, who may
do in their own schema what the migration grants them, and nothing elsewhere.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.faults import CommandError
from deploy.local import programs

DATABASE = "practice"
ROLE = "practice"
SUPERUSER = "postgres"
# Refused as root by PostgreSQL itself; the account owns the data directory alone.
SYSTEM_USERS = ("pgserver", "nobody")

MODEST = {
    "shared_buffers": "64MB",
    "max_connections": "120",
    "max_wal_size": "512MB",
    "autovacuum_max_workers": "2",
    "jit": "off",
}
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
# Survives a killed server, not a power cut. Many servers of a service may share it, each with its pool.
THROWAWAY = {
    "fsync": "off",
    "synchronous_commit": "on",
    "full_page_writes": "off",
    "max_connections": "400",
}


# Of what comes before and after, nothing says why.
_TELLING = ("FATAL:", "PANIC:", "ERROR:", "error:", "could not ")


class PostgresError(CommandError):
    """The cluster could not be made; the message says why."""


@dataclass(frozen=True)
class Passwords:
    """The secrets of a cluster; those of the services by their names. A log-in hashes in so many rounds."""

    superuser: str
    practice: str
    services: Mapping[str, str] = field(default_factory=dict)
    rounds: int = 4096


def system_user() -> str | None:
    """The account to run as: None for a normal user, a service account for root.

    Makes the account `pgserver` when it can; falls back to `nobody`.
    """
    if os.geteuid() != 0:
        return None
    preferred, fallback = SYSTEM_USERS
    try:
        return pwd.getpwnam(preferred).pw_name
    except KeyError:
        useradd = shutil.which("useradd") or "/usr/sbin/useradd"
        arguments = ["--system", "--no-create-home", "--shell", "/usr/sbin/nologin", preferred]
        if Path(useradd).exists() and subprocess.run([useradd, *arguments], check=False).returncode == 0:
            return preferred
    return pwd.getpwnam(fallback).pw_name


def make_directory(path: Path) -> None:
    """Makes a directory that only the server's account may enter."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    user = system_user()
    if user is not None:
        account = pwd.getpwnam(user)
        os.chown(path, account.pw_uid, account.pw_gid)


def initialise(
    home: Path, passwords: Passwords, *, sync: bool = True, creates_databases: bool = False
) -> None:
    """Makes the cluster `home`/data with its roles and database; a no-op when all is there.

    Its server must not run. Interrupted work is done again: the cluster gets its name last.
    `creates_databases` lets the owner make further ones.
    """
    if not (home / "data").exists():
        _make_cluster(home, passwords, sync, creates_databases)
    if passwords.services and lacks_roles(home):
        _single(home, home / "data", _service_roles(passwords))
        _roles_made(home).touch()


def lacks_roles(home: Path) -> bool:
    """Whether there is a cluster in which the services have no roles of their own yet."""
    return (home / "data").exists() and not _roles_made(home).exists()


def _roles_made(home: Path) -> Path:
    return home / "roles.made"


def _make_cluster(home: Path, passwords: Passwords, sync: bool, creates_databases: bool) -> None:
    data, building = home / "data", home / "data.building"
    make_directory(home)
    shutil.rmtree(building, ignore_errors=True)
    secret = home / "initdb.password"
    secret.write_text(passwords.superuser + "\n")
    secret.chmod(0o600)
    status = home.stat()
    if os.geteuid() == 0:
        os.chown(secret, status.st_uid, status.st_gid)
    try:
        _run(home, programs.postgres("initdb"), *_initdb_arguments(building, secret, sync))
        _single(home, building, _owner(passwords, creates_databases))
    finally:
        secret.unlink(missing_ok=True)
    building.rename(data)


def _initdb_arguments(data: Path, secret: Path, sync: bool) -> list[str]:
    return [
        *("-D", str(data), "-U", SUPERUSER, f"--pwfile={secret}", "--auth=scram-sha-256", "--encoding=UTF8"),
        # The same collation on every machine, whatever locales it has.
        *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        *([] if sync else ["--no-sync"]),
    ]


def _single(home: Path, data: Path, statements: str) -> None:
    # Single-user mode takes one statement per line, and goes on after one that fails.
    arguments = ("--single", "-D", str(data), "postgres")
    _run(home, programs.postgres("postgres"), *arguments, text=statements)


def _owner(passwords: Passwords, creates_databases: bool) -> str:
    may = "CREATEDB" if creates_databases else "NOCREATEDB"
    return (
        f"SET scram_iterations = {passwords.rounds}\n"
        f"CREATE ROLE {ROLE} LOGIN {may} PASSWORD '{passwords.practice}'\n"
        f"CREATE DATABASE {DATABASE} OWNER {ROLE}\n"
    )


def _service_roles(passwords: Passwords) -> str:
    lines = [f"ALTER ROLE {ROLE} NOCREATEDB"]
    for service, password in passwords.services.items():
        lines += [
            f"CREATE ROLE {role_of(service)}",
            f"ALTER ROLE {role_of(service)} LOGIN PASSWORD '{password}'",
        ]
    return "".join(f"{line}\n" for line in lines)


def role_of(service: str) -> str:
    """The role of a service, or the owner's for no service."""
    return f"{ROLE}_{service}" if service else ROLE


def _run(home: Path, program: Path, *arguments: str, text: str = "") -> None:
    description = describe(home, [str(program), *arguments])
    done = subprocess.run(
        programs.launched(description), input=text, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise PostgresError(f"{program.name} failed: {reason_in(home, done.stderr + done.stdout)}")


def reason_in(home: Path, output: str) -> str:
    """Returns the line of a program's output that says why it failed, and the mend when there is one."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if any(word in line for word in _TELLING)]
    reason = (telling or lines[-1:] or ["it said nothing"])[0]
    if "No space left on device" in output or "Disk quota exceeded" in output:
        reason += f": free space on the disk of {home}, and do it again"
    return reason


def describe(home: Path, words: list[str]) -> dict[str, Any]:
    """Describes a PostgreSQL program for the launcher: never root, none of the caller's PG* settings."""
    environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
    return {"command": words, "environment": environment, "user": system_user(), "home": str(home)}


def server(home: Path, port: int, *, durable: bool = True) -> dict[str, Any]:
    """Describes the server of `home`/data on 127.0.0.1:`port`, in the foreground."""
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "timezone": "UTC",
        "log_line_prefix": "%m [%p] ",
        **MODEST,
        **(DURABLE if durable else THROWAWAY),
    }
    flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return describe(home, [str(programs.postgres("postgres")), "-D", str(home / "data"), *flags])


def url(port: int, password: str, *, service: str = "") -> str:
    """The address that the programs of a service use, or those of the owner."""
    return f"postgresql://{role_of(service)}:{password}@127.0.0.1:{port}/{DATABASE}"
