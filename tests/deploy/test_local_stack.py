from __future__ import annotations

import os
import socket
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from deploy import topology
from deploy.local import credentials, postgres_server, temporary
from deploy.local.ports import MOST_PROCESSES
from deploy.local.processes import runs
from deploy.local.servers import free_port, free_ports
from deploy.local.startup import StackError
from service_kit.settings import ServiceSettings
from tests.deploy.conftest import GATEWAY_SCRIPT, MakeStack


def insert(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        connection.execute("INSERT INTO kept VALUES (1)")


def count(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
    assert row is not None
    return int(row[0])


def is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and runs(psutil.Process(pid))


def test_the_databases_start_survive_kills_and_keep_everything_over_a_stop(make_stack: MakeStack) -> None:
    stack = make_stack()
    assert stack.up() is True
    insert(stack.database_url)
    with redis.Redis.from_url(stack.redis_url) as client:
        client.set("kept", "yes")
    first = {row.name: row.pid for row in stack.status()}

    # Append-only every second: a kill may lose the last one, a stop nothing.
    stack.kill("postgres")
    stack.wait_healthy()
    assert count(stack.database_url) == 1
    assert stack.pid("postgres") != first["postgres"]
    assert stack.pid("redis") == first["redis"]

    assert stack.down() is True
    assert stack.down() is False
    assert stack.up() is True
    assert count(stack.database_url) == 1
    with redis.Redis.from_url(stack.redis_url) as client:
        assert client.get("kept") == b"yes"


def test_a_second_up_does_nothing_and_a_killed_process_comes_back(
    make_stack: MakeStack, small_gateway: topology.Process
) -> None:
    stack = make_stack(small_gateway)
    assert stack.up() is True
    pid = stack.pid("gateway")

    assert stack.up() is False
    assert stack.pid("gateway") == pid

    stack.kill("gateway")
    stack.wait_healthy()
    assert stack.pid("gateway") != pid


def test_up_takes_the_processes_back_after_their_supervisor_was_killed(
    make_stack: MakeStack, small_gateway: topology.Process
) -> None:
    stack = make_stack(small_gateway)
    stack.up()
    orphan = stack.pid("gateway")
    supervisor = stack.supervisor_status().pid
    assert supervisor is not None
    psutil.Process(supervisor).kill()

    [row] = stack.status()
    assert row.pid == orphan
    assert row.problem is not None
    assert "without the supervisor" in row.problem

    assert stack.up() is True
    assert stack.pid("gateway") != orphan
    assert not is_alive(orphan)
    assert all(row.healthy for row in stack.status())


def test_down_stops_processes_whose_supervisor_was_killed(
    make_stack: MakeStack, small_gateway: topology.Process
) -> None:
    stack = make_stack(small_gateway)
    stack.up()
    orphan = stack.pid("gateway")
    supervisor = stack.supervisor_status().pid
    assert supervisor is not None
    psutil.Process(supervisor).kill()

    assert stack.down() is True
    assert not is_alive(orphan)


def test_a_taken_port_is_named_with_the_process_that_needs_it_and_nothing_is_left_running(
    make_stack: MakeStack, small_gateway: topology.Process
) -> None:
    stack = make_stack(small_gateway)
    with socket.socket() as other:
        other.bind(("127.0.0.1", stack.settings.ports.gateway))
        other.listen()
        with pytest.raises(StackError) as failure:
            stack.up()
    message = str(failure.value)
    assert f"port {stack.settings.ports.gateway}, which gateway needs, is taken by" in message
    assert f"pid {os.getpid()}" in message
    assert "GATEWAY_PORT" in message
    assert "\n" not in message
    assert stack.supervisor_status().pid is None


def test_another_gateway_port_moves_the_gateway_and_leaves_the_rest_alone(
    make_stack: MakeStack, small_gateway: topology.Process
) -> None:
    redis_process = topology.PROCESSES[1]
    stack = make_stack(small_gateway, redis_process)
    stack.up()
    ports = replace(stack.settings.ports, gateway=free_port())
    moved = make_stack(small_gateway, redis_process, ports=ports)
    untouched = stack.pid("redis")

    assert moved.up() is True
    assert all(row.healthy for row in moved.status())
    assert moved.pid("redis") == untouched


def test_a_refused_change_of_ports_leaves_the_running_stack_as_it_is(
    make_stack: MakeStack, small_gateway: topology.Process
) -> None:
    stack = make_stack(small_gateway)
    stack.up()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        ports = replace(stack.settings.ports, gateway=other.getsockname()[1])
        with pytest.raises(StackError, match="is taken by"):
            make_stack(small_gateway, ports=ports).up()
        # Started again from the files of the accepted settings.
        stack.kill("gateway")
        stack.wait_healthy()
    assert stack.up() is False


BEATS_ONCE_THE_GATEWAY_ANSWERS = """
import os, pathlib, socket, time
while True:
    with socket.socket() as client:
        if client.connect_ex(("127.0.0.1", int(os.environ["GATEWAY_PORT"]))) == 0:
            pathlib.Path(os.environ["HEARTBEAT_FILE"]).touch()
    time.sleep(0.2)
"""


def test_who_is_patient_starts_beside_what_it_needs_and_stops_before_it(
    make_stack: MakeStack, small_gateway: topology.Process
) -> None:
    beats = topology.Process(
        "beats",
        "heartbeat",
        command=("python", "-c", BEATS_ONCE_THE_GATEWAY_ANSWERS),
        settings=("HEARTBEAT_FILE", "GATEWAY_PORT"),
    )
    # Each is well only once the other runs.
    stack = make_stack(replace(small_gateway, needs=("beats",), patient=True), beats)
    assert stack.up() is True

    ended = []
    assert stack.down(lambda name, stage, _: ended.append(name) if stage == "stopped" else None) is True
    assert ended == ["gateway", "beats"]


def test_who_is_patient_waits_for_a_job_all_the_same(
    make_stack: MakeStack, small_gateway: topology.Process
) -> None:
    job = topology.Job("make", ("python", "-c", "import time; time.sleep(0.5)"))
    stack = make_stack(replace(small_gateway, needs=("make",), patient=True), jobs=(job,))
    seen = []
    assert stack.up(lambda name, stage, _: seen.append((name, stage))) is True
    assert seen.index(("make", "done")) < seen.index(("gateway", "starting"))


def test_a_dying_process_is_named_with_its_last_words_and_its_log(make_stack: MakeStack) -> None:
    dying = topology.Process("gateway", "http", command=("python", "-c", "raise SystemExit('no keys found')"))
    stack = make_stack(dying)
    with pytest.raises(StackError) as failure:
        stack.up()
    message = str(failure.value)
    assert message.startswith("gateway dies")
    assert "(no keys found)" in message
    assert message.endswith(f"its log: {stack.layout.log('gateway')}")
    assert "\n" not in message


def test_a_failing_job_is_named_with_its_last_words_and_what_needs_it_is_not_started(
    make_stack: MakeStack, small_gateway: topology.Process
) -> None:
    job = topology.Job("migrate", ("python", "-c", "raise SystemExit('revision 3 is missing')"))
    waiting = topology.Process("gateway", "http", command=small_gateway.command, needs=("migrate",))
    stack = make_stack(waiting, jobs=(job,))
    with pytest.raises(StackError, match=r"migrate ended with 1 \(revision 3 is missing\); its log: "):
        stack.up()
    assert [row.pid for row in stack.status()] == [None]


def test_a_process_that_never_answers_is_given_up_with_what_was_seen(make_stack: MakeStack) -> None:
    mute = topology.Process("relay", "heartbeat", command=("python", "-c", "import signal; signal.pause()"))
    stack = make_stack(mute, healthy_seconds=0.5)
    with pytest.raises(StackError, match=r"relay is not healthy after 0 s \(no heartbeat yet\)"):
        stack.up()


def test_a_given_database_is_used_instead_of_an_own_one(make_stack: MakeStack, tmp_path: Path) -> None:
    url = "postgresql://someone:secret@127.0.0.1:1/nowhere"
    stack = make_stack(environment={"DATABASE_URL": url})
    assert stack.database_url == url
    with pytest.raises(StackError, match="DATABASE_URL is given, but its server does not answer"):
        stack.up()
    assert not (tmp_path / ".practice" / "postgres").exists()


def test_a_stack_in_a_directory_with_a_very_long_name_runs_and_leaves_nothing_elsewhere(
    make_stack: MakeStack, small_gateway: topology.Process, tmp_path: Path
) -> None:
    from deploy.local.stack import LocalStack

    home = tmp_path / ("100% long " * 12) / ".practice"
    stack = LocalStack(home, make_stack().settings.ports, processes=[small_gateway], jobs=[])
    try:
        stack.up()
        assert all(row.healthy for row in stack.status())
        assert stack.layout.borrowed is not None
        temporary.remove_stale()
        assert stack.layout.borrowed.exists()
    finally:
        stack.down()
    assert not stack.layout.borrowed.exists()


def test_secrets_are_made_once_and_readable_by_their_owner_alone(
    make_stack: MakeStack, small_gateway: topology.Process
) -> None:
    stack = make_stack(small_gateway)
    stack.up()
    secrets = {path.name: path.read_text() for path in stack.layout.secrets.iterdir()}
    assert len(set(secrets.values())) == len(secrets) == len(credentials.RANDOM)
    assert {path.stat().st_mode & 0o777 for path in stack.layout.secrets.iterdir()} == {0o600}
    assert stack.layout.secrets.stat().st_mode & 0o777 == 0o700
    assert stack.layout.run.stat().st_mode & 0o777 == 0o700

    stack.down()
    stack.up()
    assert {path.name: path.read_text() for path in stack.layout.secrets.iterdir()} == secrets


def test_a_process_sees_its_own_settings_and_not_the_callers_environment(
    make_stack: MakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not for the services")
    catalog = next(process for process in topology.PROCESSES if process.name == "catalog")
    stack = make_stack(environment={"LOG_LEVEL": "DEBUG", "HOME": "/elsewhere"}, extra={"SOMETHING": "more"})
    stack.layout.make()
    from deploy.local import credentials

    credentials.make_random(stack.layout.secrets)
    environment = stack.settings.environment_of(catalog)
    assert environment["LISTEN"] == f"127.0.0.1:{stack.settings.ports.catalog}"
    assert environment["LOG_LEVEL"] == "DEBUG"
    assert environment["SOMETHING"] == "more"
    assert environment["HOME"] == str(stack.layout.run)
    assert "AWS_SECRET_ACCESS_KEY" not in environment
    assert "SIGNING_KEY_FILE" not in environment
    assert "REDIS_URL" not in environment


LISTENING = 'int(os.environ["LISTEN"].split(":")[1])'
COPY_SCRIPT = GATEWAY_SCRIPT.replace('int(os.environ["GATEWAY_PORT"])', LISTENING)


def test_a_service_of_several_processes_is_as_many_rows_and_fewer_when_there_are_fewer(
    make_stack: MakeStack,
) -> None:
    command = ("python", "-c", COPY_SCRIPT)
    stats = topology.Process(
        "stats",
        "http",
        command=command,
        settings=("LISTEN",),
        count_setting="STATS_PROCESSES",
        stop_seconds=5,
    )
    two = make_stack(stats, ports=free_ports(stats=2))
    two.up()
    assert [(row.name, row.healthy) for row in two.status()] == [("stats", True), ("stats-2", True)]
    assert two.settings.values()["STATS_ADDRESS"] == two.settings.ports.address("stats")
    second = two.pid("stats-2")
    two.kill("stats-2")
    two.wait_healthy()
    assert two.pid("stats-2") != second

    # Also when nobody supervises it any more.
    supervisor = two.supervisor_status().pid
    assert supervisor is not None
    psutil.Process(supervisor).kill()
    orphan = two.status()[1].pid
    assert orphan is not None
    one = make_stack(stats, ports=replace(two.settings.ports, copies={}))
    one.up()
    assert [row.name for row in one.status()] == ["stats"]
    assert not is_alive(orphan)


@pytest.mark.parametrize("count", [1, 2, 3, MOST_PROCESSES])
def test_however_many_processes_there_are_the_database_has_connections_for_all(
    make_stack: MakeStack, count: int
) -> None:
    stack = make_stack(ports=free_ports(session=count, stats=count))
    stack.layout.make()
    credentials.make_random(stack.layout.secrets)
    default = ServiceSettings.model_fields["database_pool_size"].default
    taken = 0
    for process in topology.PROCESSES:
        if process.schema and process.probe == "grpc":
            for copy in topology.copies(process, stack.settings.ports.count(process.name)):
                size = int(stack.settings.environment_of(copy).get("DATABASE_POOL_SIZE", default))
                assert size >= 2
                # One looks at badges that are tried, in statistics.
                taken += size + (process.name == "stats")
    # Relay, workers and recalculator have a few, commands some, and superusers three.
    assert taken + 20 <= int(postgres_server.MODEST["max_connections"])
