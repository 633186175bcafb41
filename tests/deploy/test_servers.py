from __future__ import annotations

import os
import signal
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from deploy.local import postgres_server
from deploy.local.servers import Server, ServerFailedError, start_postgres, start_redis
from tests.deploy.conftest import DATABASES, MakeStack
from tests.waiting import PATIENCE_SECONDS, eventually

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives up root")


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = start_postgres(tmp_path_factory.mktemp("servers") / "postgres")
    yield server
    server.stop()


def scalar(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def test_a_throwaway_database_keeps_committed_rows_over_a_kill(postgres: Server) -> None:
    with psycopg.connect(postgres.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
    postgres.kill()
    postgres.restart()
    assert scalar(postgres.url, "SELECT n FROM kept") == 1


def test_programs_use_a_role_that_is_no_superuser(postgres: Server) -> None:
    assert scalar(postgres.url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False


def test_a_server_that_does_not_start_is_told_with_its_log(postgres: Server, tmp_path: Path) -> None:
    with pytest.raises(ServerFailedError, match="could not bind"):
        start_postgres(tmp_path / "second", port=postgres.port)
    with pytest.raises(ServerFailedError, match="Could not create server TCP listening socket"):
        start_redis(tmp_path / "redis", port=postgres.port)


def test_interrupted_work_on_a_new_cluster_is_done_again(tmp_path: Path) -> None:
    building = tmp_path / "data.building"
    building.mkdir()
    (building / "PG_VERSION").write_text("18\n")
    passwords = postgres_server.Passwords("superuser", "practice")
    postgres_server.initialise(tmp_path, passwords, sync=False)
    assert (tmp_path / "data" / "postgresql.conf").exists()
    assert not building.exists()
    assert not (tmp_path / "initdb.password").exists()


@root_only
def test_as_root_the_server_is_another_user_even_below_a_directory_closed_to_others(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = start_postgres(closed / "postgres")
    try:
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        assert f"Uid:\t{(closed / 'postgres').stat().st_uid}\t" in status
        assert "Uid:\t0" not in status
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    finally:
        server.stop()


def test_a_killed_database_comes_back_once_its_last_worker_has_let_go_of_the_memory(
    make_stack: MakeStack,
) -> None:
    """PostgreSQL refuses to start beside an orphan, which may compute for long before it notices."""
    stack = make_stack(DATABASES[0])
    stack.up()
    log = stack.layout.log("postgres")
    with closing(psycopg.connect(stack.database_url)) as connection:
        orphan = connection.info.backend_pid
        os.kill(orphan, signal.SIGSTOP)
        try:
            stack.kill("postgres")
            eventually(lambda: "pre-existing shared memory block" in log.read_text())
        finally:
            os.kill(orphan, signal.SIGCONT)
    stack.wait_healthy(PATIENCE_SECONDS)
    assert scalar(stack.database_url, "SELECT 1") == 1
