"""docs/grpc.md: its commands and its program, run as a caller would, and its table of who may call what."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import uuid
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf import descriptor_pb2

from deploy import topology
from deploy.local.servers import free_port
from deploy.local.stack import LocalStack
from deploy.probe import UnhealthyError, grpc_serving
from service_kit.grpc.channels import INTERNAL_KEY
from tests import programs
from tests.stack import Learner
from tests.waiting import PATIENCE_SECONDS, eventually

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "grpc.md"
CONTRACTS = ROOT / "generated" / "practice.binpb"
PROCESSES = ("identity", "catalog", "session", "stats")
_SNIPPET = re.compile(r"^```(sh|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# What `make` does here: the wheel alone, and nothing for `make up`, for what it would start runs already.
_MAKE = 'make() { case "$1" in up) ;; clients) (cd "$ROOT" && $BUILD) ;; *) return 2 ;; esac; }\n'


def address(stack: LocalStack, process: str) -> str:
    return f"127.0.0.1:{stack.settings.ports.by_listener[process]}"


def answers(at: str) -> bool:
    try:
        grpc_serving(at)
    except UnhealthyError:
        return False
    return True


@pytest.fixture
def reflecting(stack: LocalStack) -> Iterator[str]:
    """The address of one more catalog, which has read what the guide sets."""
    at = f"127.0.0.1:{free_port()}"
    catalog = next(each for each in topology.PROCESSES if each.name == "catalog")
    settings = {**stack.settings.environment_of(catalog), "LISTEN": at, "GRPC_REFLECTION": "true"}
    process = programs.start("catalog_service.main", env=settings)
    eventually(lambda: answers(at))
    yield at
    process.kill()
    process.communicate()


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The command of `make clients` that builds the stubs, and the folder that it builds them into."""
    said = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "clients"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    command = next(line for line in said.stdout.splitlines() if line.endswith(" clients/stubs"))
    folder = tmp_path_factory.mktemp("stubs") / "dist"
    assert " --out-dir dist " in command
    return command.replace(" --out-dir dist ", f" --out-dir {folder} "), folder


def fit(text: str, stack: LocalStack, reflecting: str, email: str) -> str:
    """Returns a snippet with what is a reader's own in its places."""
    for process, usual in zip(PROCESSES, (50051, 50052, 50053, 50054), strict=True):
        here = reflecting if process == "catalog" else address(stack, process)
        text = text.replace(f"127.0.0.1:{usual}", here)
    return text.replace("ana@example.org", email)


def test_every_command_and_the_program_of_the_guide_work_one_after_another(
    stack: LocalStack, reflecting: str, build: tuple[str, Path], tmp_path: Path
) -> None:
    command, dist = build
    for name, target in {
        ".venv": ROOT / ".venv",
        "generated": ROOT / "generated",
        ".practice": stack.layout.home,
        "dist": dist,
    }.items():
        (tmp_path / name).symlink_to(target)
    email = f"ana.{uuid.uuid4().hex}@example.com"
    script = [_MAKE]
    for number, (language, text) in enumerate(_SNIPPET.findall(GUIDE.read_text(encoding="utf-8"))):
        if language == "sh":
            script.append(fit(text, stack, reflecting, email))
        else:
            (tmp_path / f"{number}.py").write_text(text)
            sessions = stack.settings.ports.address("session")
            script.append(f"SESSION_ADDRESS={sessions} TOKEN=$TOKEN build/caller/bin/python {number}.py\n")
    played = subprocess.run(
        ["bash", "-c", "set -euo pipefail\n" + "\n".join(script)],
        cwd=tmp_path,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "ROOT": str(ROOT),
            "BUILD": command,
            "PRACTICE_HOME": str(tmp_path / "home"),
        },
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE_SECONDS,
        check=False,
    )
    assert played.returncode == 0, f"it may need a package registry\n{played.stdout[-3000:]}{played.stderr}"

    assert "one session: sessions/" in played.stdout
    assert "X-Practice-Reason: SESSION_NOT_FOUND" in played.stdout
    assert '"state": "STATE_COMPLETED"' in played.stdout
    assert re.search(r'"sessionCount": "?1\b', played.stdout)
    assert "practice.catalog.v1.CatalogService/GetExercise" in played.stdout
    assert '"status": "SERVING"' in played.stdout
    program = played.stdout[played.stdout.index(" is event ") :]
    assert program.splitlines()[1:3] == ["STATE_COMPLETED", "FAILED_PRECONDITION SESSION_ENDED"]


def test_reflection_is_refused_where_nobody_switched_it_on(stack: LocalStack) -> None:
    done = subprocess.run(
        [
            *(
                Path(sys.executable).parent / "buf",
                "curl",
                "--reflect",
                "--protocol",
                "grpc",
                "--list-services",
            ),
            f"http://{address(stack, 'session')}",
        ],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode != 0
    assert "unimplemented" in done.stderr.lower(), done.stderr


def said_of_processes() -> dict[str, tuple[set[str], set[str]]]:
    """What the guide says of each process: services for learners, and for the platform's own."""
    rows = re.findall(r"^\| `(\w+)` \| (.*) \| (.*) \|$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    return {
        process: (set(re.findall(r"`([\w.]+)`", theirs)), set(re.findall(r"`([\w.]+)`", internal)))
        for process, theirs, internal in rows
    }


def calls() -> Iterator[tuple[str, descriptor_pb2.MethodDescriptorProto]]:
    """A method of each service that takes one request."""
    files = descriptor_pb2.FileDescriptorSet.FromString(CONTRACTS.read_bytes())
    for file in files.file:
        for service in file.service:
            method = next(each for each in service.method if not each.client_streaming)
            yield f"{file.package}.{service.name}", method


def refusal(channel: grpc.Channel, service: str, method: descriptor_pb2.MethodDescriptorProto) -> str:
    """How an empty request of somebody unknown is answered."""
    path = f"/{service}/{method.name}"
    kind = channel.unary_stream if method.server_streaming else channel.unary_unary
    try:
        call = kind(path, lambda request: request, lambda answer: answer)(b"", timeout=PATIENCE_SECONDS)
        list(call) if method.server_streaming else None
    except grpc.RpcError as error:
        return str(error.code().name)
    return "OK"


def test_the_table_says_which_service_is_where_and_for_whom(stack: LocalStack) -> None:
    found: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for process in PROCESSES:
        with grpc.insecure_channel(address(stack, process)) as channel:
            for service, method in calls():
                code = refusal(channel, service, method)
                if code != "UNIMPLEMENTED":
                    found[process][code == "PERMISSION_DENIED"].add(service)
    assert dict(found) == said_of_processes()


def test_calls_of_one_channel_go_to_each_process_in_turn(stack: LocalStack, learner: Learner) -> None:
    from practice.session.v1 import session_service_pb2 as pb
    from practice.session.v1.session_service_pb2_grpc import SessionServiceStub

    ids = [str(uuid.uuid4()) for _ in range(8)]
    options = [("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}')]
    addresses = f"ipv4:127.0.0.1:1,{stack.settings.ports.address('session')}"
    token = ("authorization", f"Bearer {learner.tokens['access_token']}")
    with grpc.insecure_channel(addresses, options) as channel:
        for each in ids:
            SessionServiceStub(channel).ListSessions(
                pb.ListSessionsRequest(), metadata=[token, ("x-request-id", each)], timeout=PATIENCE_SECONDS
            )

    def served() -> bool:
        logs = [stack.layout.log(name).read_text() for name in ("session", "session-2")]
        counts = [sum(each in log for each in ids) for log in logs]
        return sum(counts) == len(ids) and all(counts)

    eventually(served)


def test_the_internal_token_starts_no_session_and_opens_what_is_internal(stack: LocalStack) -> None:
    from practice.session.v1 import outbox_admin_service_pb2, session_service_pb2
    from practice.session.v1.outbox_admin_service_pb2_grpc import OutboxAdminServiceStub
    from practice.session.v1.session_service_pb2_grpc import SessionServiceStub

    shown = [(INTERNAL_KEY, (stack.layout.secrets / "internal_token").read_text().strip())]
    with grpc.insecure_channel(address(stack, "session")) as channel:
        OutboxAdminServiceStub(channel).GetOutbox(
            outbox_admin_service_pb2.GetOutboxRequest(), metadata=shown, timeout=PATIENCE_SECONDS
        )
        with pytest.raises(grpc.RpcError) as raised:
            SessionServiceStub(channel).StartSession(
                session_service_pb2.StartSessionRequest(product="focus"),
                metadata=shown,
                timeout=PATIENCE_SECONDS,
            )
    assert raised.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_the_wheel_has_all_stubs_their_types_and_the_descriptor_set_and_takes_what_made_them(
    build: tuple[str, Path],
) -> None:
    command, dist = build
    subprocess.run(command.split(), cwd=ROOT, check=True, timeout=PATIENCE_SECONDS)
    (wheel,) = dist.glob("practice_stubs-*-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = archive.read(next(name for name in names if name.endswith("/METADATA"))).decode()
        set_of_all = archive.read("practice/practice.binpb")
    made = {
        str(path.relative_to(ROOT / "generated")) for path in (ROOT / "generated" / "practice").rglob("*.py*")
    }
    assert {name for name in made if not name.endswith(".pyc")} <= names
    assert {"practice/py.typed", "buf/py.typed", "buf/validate/validate_pb2.pyi"} <= names
    assert [name for name in names if "__pycache__" in name] == []
    assert set_of_all == CONTRACTS.read_bytes()

    stub = (ROOT / "generated/practice/session/v1/session_service_pb2_grpc.py").read_text()
    messages = (ROOT / "generated/practice/session/v1/session_service_pb2.py").read_text()
    needed = {
        "grpcio": re.search(r"GRPC_GENERATED_VERSION = '([\d.]+)'", stub),
        "protobuf": re.search(r"^# Protobuf Python Version: ([\d.]+)$", messages, re.MULTILINE),
    }
    for package, version in needed.items():
        assert version
        assert re.search(
            rf"^Requires-Dist: {package}<[\d.]+,>={re.escape(version[1])}$", metadata, re.MULTILINE
        )
