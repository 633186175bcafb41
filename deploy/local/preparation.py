"""What must exist before a process starts: stubs, secrets, a database, servers that answer, free ports."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Sequence

from deploy import probe, topology
from deploy.configuration import validation
from deploy.local import credentials, ports, postgres_server, record
from deploy.local.layout import ROOT
from deploy.local.settings import Settings
from deploy.local.startup import Report, StackError

GENERATOR = ROOT / "protos" / "generate.py"
STUBS = ROOT / "generated" / ".fingerprint"
DOCUMENTATION = ROOT / "build" / "docs" / ".fingerprint"


def generate_stubs(report: Report) -> None:
    """Makes the stubs when a contract is newer than they are. Raises StackError."""
    if not GENERATOR.exists():
        return
    sources = [GENERATOR, *GENERATOR.parent.rglob("*.proto")]
    if STUBS.exists() and STUBS.stat().st_mtime > max(path.stat().st_mtime for path in sources):
        return
    report("stubs", "running", "")
    done = subprocess.run([sys.executable, str(GENERATOR)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StackError(f"the stubs could not be generated: {(done.stderr or done.stdout).strip()}")
    STUBS.touch()
    report("stubs", "done", "")


def build_documentation(report: Report) -> None:
    """Builds what `/docs/` shows when something of it is newer. Nothing waits for it that can do without."""
    sources = [STUBS, *(ROOT / "docs").glob("*.md"), *(ROOT / "gateway").rglob("*.*")]
    times = [path.stat().st_mtime for path in sources if path.exists() and path.suffix != ".pyc"]
    if DOCUMENTATION.exists() and DOCUMENTATION.stat().st_mtime > max(times):
        return
    report("docs", "running", "")
    command = [sys.executable, "-m", "gateway.docs"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:]
        report("docs", "failed", "; ".join(["there are none, or older ones", *last]))
        return
    DOCUMENTATION.touch()
    report("docs", "done", done.stdout.strip())


def judge_settings(settings: Settings, nodes: Iterable[topology.Process | topology.Job]) -> None:
    """Has every program's settings judged before one of them starts. Raises SettingsError."""
    validation.refuse(
        line for node in nodes for line in validation.find_process_faults(node, settings.environment_of(node))
    )


def make_secrets(settings: Settings, processes: Iterable[topology.Process]) -> None:
    """Makes the secrets that are missing."""
    credentials.make_random(settings.layout.secrets)
    if any("SIGNING_KEY_FILE" in process.settings for process in processes):
        credentials.make_signing_key(settings.layout.secrets)


def make_database(settings: Settings, processes: Iterable[topology.Process], report: Report) -> None:
    """Makes the stack's own database cluster, or what it lacks, when it has one. Raises PostgresError."""
    home = settings.layout.postgres
    if not any(process.image == "postgres" for process in processes):
        return
    if (home / "data").exists() and not postgres_server.lacks_roles(home):
        return
    report("database", "running", "")
    passwords = {name: credentials.read(settings.layout.secrets, name) for name in credentials.RANDOM}
    postgres_server.initialise(
        home,
        postgres_server.Passwords(
            passwords["postgres_superuser_password"],
            passwords["postgres_password"],
            {service: passwords[f"postgres_{service}_password"] for service in credentials.SERVICES},
        ),
    )
    report("database", "done", "")


def ask_given_servers(settings: Settings) -> None:
    """Makes sure that servers given by their address answer. Raises StackError."""
    for name, url in settings.external.items():
        try:
            {"postgres": probe.postgres, "redis": probe.redis}[name](url)
        except (probe.UnhealthyError, ValueError) as error:
            variable = {"postgres": "DATABASE_URL", "redis": "REDIS_URL"}[name]
            raise StackError(f"{variable} is given, but its server does not answer: {error}") from error


def check_ports(
    settings: Settings, processes: Sequence[topology.Process], alive: set[str], last: record.Record | None
) -> None:
    """Makes sure that nobody else listens on the stack's ports. Raises StackError.

    A port that one of our live processes was started on is ours.
    """
    for process in processes:
        ours = last.ports.of(process.name) if last and process.name in alive else []
        for port in settings.ports.of(process.name):
            if port not in ours and ports.taken(port):
                variable = (
                    ports.setting("gateway") if port == settings.ports.gateway else "PRACTICE_PORT_BASE"
                )
                raise StackError(
                    f"port {port}, which {process.name} needs, is taken by {ports.holder(port)}: "
                    f"stop that program, or choose another port with {variable}"
                )
