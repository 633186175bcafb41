"""Each service has a role of its own, which its schema alone lets in."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from deploy import probe, topology
from deploy.local import credentials, postgres_server, programs
from deploy.local.credentials import SERVICES
from deploy.local.layout import ROOT
from deploy.local.servers import free_ports
from deploy.local.stack import LocalStack
from service_kit.db import migrate
from tests.deploy.conftest import MakeStack
from tests.guard import guard

POSTGRES = next(process for process in topology.PROCESSES if process.name == "postgres")
MIGRATE = next(job for job in topology.JOBS if job.name == "migrate")
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY tablename"
SEQUENCES = "SELECT sequencename FROM pg_sequences WHERE schemaname = %s"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A cluster of before there were roles, as `make up` takes it over, with every schema and no row."""
    home = tmp_path_factory.mktemp("roles")
    guard().watch(home)
    stack = LocalStack(home, free_ports(), processes=(POSTGRES,), jobs=(MIGRATE,))
    stack.layout.make()
    credentials.make_random(stack.layout.secrets)
    superuser, owner = (
        credentials.read(stack.layout.secrets, name)
        for name in ("postgres_superuser_password", "postgres_password")
    )
    postgres_server.initialise(
        stack.layout.postgres, postgres_server.Passwords(superuser, owner), creates_databases=True
    )
    assert postgres_server.lacks_roles(stack.layout.postgres)
    stack.up()
    yield stack
    stack.down()


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def own(stack: LocalStack, service: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A connection as the service has it."""
    with psycopg.connect(stack.settings.database_url(service), autocommit=True) as connection:
        yield connection


def names(stack: LocalStack, query: str, schema: str) -> list[sql.Identifier]:
    with psycopg.connect(stack.database_url) as owner:
        found = [sql.Identifier(schema, str(row[0])) for row in owner.execute(query, [schema])]
    return found


def test_a_service_may_change_the_data_of_its_schema_and_read_no_other(
    stack: LocalStack, service: str, own: psycopg.Connection[tuple[object, ...]]
) -> None:
    tables = names(stack, TABLES, service)
    assert len(tables) > 1
    for table in tables:
        own.execute(sql.SQL("SELECT * FROM {} LIMIT 1").format(table))
        own.execute(sql.SQL("DELETE FROM {} WHERE false").format(table))
    for sequence in names(stack, SEQUENCES, service):
        own.execute(sql.SQL("SELECT nextval({}::regclass)").format(sql.Literal(sequence.as_string())))
    for other in set(SERVICES) - {service}:
        for table in names(stack, TABLES, other):
            for statement in ("SELECT * FROM {}", "DELETE FROM {}", "INSERT INTO {} DEFAULT VALUES"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    own.execute(sql.SQL(statement).format(table))


def test_a_service_may_make_and_drop_nothing(
    stack: LocalStack, service: str, own: psycopg.Connection[tuple[object, ...]]
) -> None:
    (table, *_) = names(stack, TABLES, service)
    for statement in (
        "CREATE DATABASE more",
        "CREATE SCHEMA more",
        "CREATE ROLE more",
        f"CREATE TABLE {service}.more (n int)",
        "CREATE TABLE public.more (n int)",
        f"DROP TABLE {table.as_string()}",
        f"TRUNCATE {table.as_string()}",
        "SET ROLE practice",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            own.execute(statement)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "taken",
    [
        "DELETE ON session.practice_session",
        "USAGE ON SEQUENCE session.practice_session_id_seq",
        "USAGE ON SCHEMA session",
    ],
)
def test_what_a_service_lacks_is_granted_by_the_next_migration(stack: LocalStack, taken: str) -> None:
    assert migrate.is_current("session_service", stack.database_url)
    with psycopg.connect(stack.database_url, autocommit=True) as owner:
        owner.execute(f"REVOKE {taken} FROM practice_session".encode())
    assert not migrate.is_current("session_service", stack.database_url)
    assert migrate.is_current("catalog_service", stack.database_url)
    migrate.upgrade("session_service", stack.database_url)
    assert migrate.is_current("session_service", stack.database_url)


def test_a_database_that_is_migrated_is_asked_and_nothing_is_started(stack: LocalStack) -> None:
    stack.down()
    seen = []
    assert stack.up(lambda name, stage, detail: seen.append((name, stage, detail))) is True
    assert ("migrate", "done", "nothing to do") in seen
    assert not [stage for name, stage, _ in seen if name == "migrate" and stage == "running"]

    with psycopg.connect(stack.database_url, autocommit=True) as owner:
        owner.execute("REVOKE DELETE ON session.practice_session FROM practice_session")
    stack.down()
    seen.clear()
    assert stack.up(lambda name, stage, detail: seen.append((name, stage, detail))) is True
    assert [stage for name, stage, _ in seen if name == "migrate"] == ["waiting", "running", "done"]
    assert migrate.is_current("session_service", stack.database_url)


def test_the_owner_makes_no_databases(stack: LocalStack) -> None:
    with (
        psycopg.connect(stack.database_url, autocommit=True) as owner,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        owner.execute("CREATE DATABASE more")


def test_every_process_with_a_database_has_a_schema_and_gets_the_address_of_its_role(
    make_stack: MakeStack,
) -> None:
    stack = make_stack()
    stack.layout.make()
    credentials.make_random(stack.layout.secrets)
    for process in topology.PROCESSES:
        assert bool(process.schema) == ("DATABASE_URL" in process.settings), process.name
        if process.schema:
            url = stack.settings.environment_of(process)["DATABASE_URL"]
            assert url.startswith(f"postgresql://practice_{process.schema}:")
    assert stack.settings.environment_of(MIGRATE)["DATABASE_URL"] == stack.database_url


def test_one_given_database_is_everybodys(make_stack: MakeStack) -> None:
    url = "postgresql://someone:secret@127.0.0.1:1/somewhere"
    stack = make_stack(environment={"DATABASE_URL": url})
    stack.layout.make()
    credentials.make_random(stack.layout.secrets)
    processes = [process for process in topology.PROCESSES if process.schema]
    assert {stack.settings.environment_of(each)["DATABASE_URL"] for each in processes} == {url}


def test_a_service_may_try_whether_the_database_takes_writes(stack: LocalStack, service: str) -> None:
    probe.postgres(stack.settings.database_url(service))


def test_the_script_of_the_containers_makes_the_same_roles(make_stack: MakeStack) -> None:
    stack: LocalStack = make_stack(POSTGRES)
    stack.up()
    secrets = stack.layout.secrets
    superuser = credentials.read(secrets, "postgres_superuser_password")
    port = str(stack.settings.ports.postgres)
    made = [postgres_server.role_of(service) for service in ("", *SERVICES)]
    address = f"postgresql://postgres:{superuser}@127.0.0.1:{port}/postgres"
    with psycopg.connect(address, autocommit=True) as server:
        # As the official image has it at its first start.
        server.execute("DROP DATABASE practice")
        for role in made:
            server.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
    environment = {
        "PATH": f"{programs.postgres('psql').parent}:{os.defpath}",
        "POSTGRES_USER": "postgres",
        "SECRETS": str(secrets),
        "PGHOST": "127.0.0.1",
        "PGPORT": port,
        "PGPASSWORD": superuser,
    }
    subprocess.run(["sh", str(ROOT / "deploy" / "postgres" / "roles.sh")], env=environment, check=True)
    for service in ("", *SERVICES):
        with psycopg.connect(stack.settings.database_url(service)) as connection:
            row = connection.execute(
                "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
            assert row == (False, False, False)
