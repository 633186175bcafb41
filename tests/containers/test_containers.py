"""The platform in containers, as docker-compose.yml and deploy/Dockerfile describe it.

The tests run in their order, on one set of containers: the last one takes it down.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from deploy import topology
from deploy.demo import run as play_demo
from deploy.local.layout import ROOT
from deploy.local.servers import free_port
from tests.containers import podman as containers
from tests.containers.podman import compose, podman
from tests.containers.stand_ins import provide
from tests.stack import TUNED, Learner
from tests.waiting import eventually

pytestmark = pytest.mark.containers

DOCUMENTS = sorted(str(path) for path in (ROOT / "tests" / "end_to_end").glob("test_*_document.py"))
IMAGES = {"practice": "localhost/practice-platform:0.1.0", "gateway": "localhost/practice-gateway:0.1.0"}
# What the image of each server calls its user.
OWN_USERS = {"postgres": "postgres", "redis": "valkey", "gateway": "envoy"}
WRONG = {"SYNC_MAX_AGE_DAYS": "20000"}
# Everything is started at once: what needs another waits for it or is started again. Podman before 4.6
# knows no health to wait for, and its graph of dependencies breaks where one of them runs already.
UP = ("up", "--no-build", "--detach", "--no-deps")


@dataclass(frozen=True)
class Platform:
    """The containers that run, and what they were started with."""

    gateway_url: str
    settings: dict[str, str]


def tell(what: str, since: float) -> None:
    sys.stdout.write(f"\n{what}: {time.monotonic() - since:.0f} s\n")


def is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").status_code == 200
    except httpx.TransportError:
        return False


def of_this_project() -> list[str]:
    """Returns the names of the containers, networks and volumes that are there."""
    listings = (("ps", "--all", "{{.Names}}"), ("network", "ls", "{{.Name}}"), ("volume", "ls", "{{.Name}}"))
    names = (podman(*words, "--format", form).stdout.split() for *words, form in listings)
    return [name for listed in names for name in listed if name != "podman"]


def instances(service: str) -> list[str]:
    names = podman("ps", "--all", "--format", "{{.Names}}").stdout.split()
    return [name for name in names if name.rpartition("_")[0] == f"practice_{service}"]


def processes() -> list[tuple[str, str]]:
    """Returns each container of a process, with the name of its service."""
    found = [(process.name, name) for process in topology.PROCESSES for name in instances(process.name)]
    assert {service for service, _ in found} == {process.name for process in topology.PROCESSES}
    return found


def warnings_of(service: str) -> str:
    """Returns what the processes of a service warn of: without Redis, say, they limit nobody."""
    lines = [line for name in instances(service) for line in podman("logs", name).stderr.splitlines()]
    return "\n".join(line for line in lines if '"level": "info"' not in line)[-3000:]


def is_healthy(container: str) -> bool:
    # Asked by hand: where systemd does not run, nobody else does.
    return podman("healthcheck", "run", container, check=False).returncode == 0


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    if lacking := containers.lacking():
        pytest.skip(f"containers cannot be run here: {lacking}")
    since = time.monotonic()
    stand_ins = provide()
    tell(f"images; stand-ins are {', '.join(stand_ins) or 'none'}", since)
    since = time.monotonic()
    for target, image in IMAGES.items():
        recipe = ("--file", str(ROOT / "deploy" / "Dockerfile"), "--target", target)
        podman("build", "--quiet", "--network", "host", *recipe, "--tag", image, str(ROOT))
    tell("both targets of deploy/Dockerfile built", since)
    secrets = tmp_path_factory.mktemp("secrets")
    subprocess.run(["sh", ROOT / "deploy" / "secrets.sh", secrets], check=True, env={"PATH": os.defpath})
    ports = {"GATEWAY_PORT": str(free_port()), "GATEWAY_OPERATORS_PORT": str(free_port())}
    settings = {**TUNED, **ports, "CORS_ORIGINS": "*", "PRACTICE_SECRETS": str(secrets)}
    url = f"http://127.0.0.1:{ports['GATEWAY_PORT']}"
    try:
        since = time.monotonic()
        compose(settings, *UP)
        eventually(lambda: is_up(url))
        tell("up and answering", since)
        yield Platform(url, settings)
    finally:
        compose(settings, "down", "--volumes")


def test_every_process_is_healthy_and_every_job_done(platform: Platform) -> None:
    for _, container in processes():
        eventually(lambda name=container: is_healthy(name))  # type: ignore[misc]
    for job in topology.JOBS:
        (container,) = instances(job.name)
        assert podman("wait", container).stdout.strip() == "0", job.name


def test_all_runs_without_rights_and_cannot_write_to_its_image(platform: Platform) -> None:
    look = "id -un; id -u; grep -E 'CapEff|NoNewPrivs' /proc/1/status; touch /usr/written 2>&1"
    for service, container in processes():
        seen = podman("exec", container, "sh", "-c", look, check=False).stdout
        assert "CapEff:\t0000000000000000" in seen, (container, seen)
        assert "NoNewPrivs:\t1" in seen, (container, seen)
        assert "Read-only file system" in seen, (container, seen)
        name, number, *_ = seen.split()
        expected = (name, OWN_USERS[service]) if service in OWN_USERS else (number, "10001")
        assert expected[0] == expected[1], (container, seen)


def test_only_the_gateway_has_a_way_out(platform: Platform) -> None:
    for service, container in processes():
        networks = podman(
            "inspect",
            "--format",
            "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}",
            container,
        )
        outside = {"practice_outside"} if service == "gateway" else set()
        assert set(networks.stdout.split()) == {"practice_inside"} | outside


def test_the_demo_sees_right_numbers(platform: Platform) -> None:
    play_demo(platform.gateway_url, ROOT / "content")


def test_all_documents_replay(platform: Platform) -> None:
    command = [sys.executable, "-m", "pytest", "-q", f"--gateway={platform.gateway_url}", *DOCUMENTS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + warnings_of("session")
    sys.stdout.write(f"\nreplays of {len(DOCUMENTS)} documents: {done.stdout.splitlines()[-1]}\n")
    assert len(DOCUMENTS) == 5


def test_a_service_is_restarted_under_calls_and_no_call_fails(platform: Platform) -> None:
    learner = Learner(platform.gateway_url)
    statuses: Counter[int] = Counter()
    enough = threading.Event()

    def call() -> None:
        while not enough.is_set():
            statuses[learner.send("GET", "/v1/sessions?page_size=1").status_code] += 1

    caller = threading.Thread(target=call)
    caller.start()
    try:
        eventually(lambda: statuses.total() > 20)
        restarted, *others = instances("session")
        assert others
        podman("restart", restarted)
        eventually(lambda: is_healthy(restarted))
        after = statuses.total() + 20
        eventually(lambda: statuses.total() > after)
    finally:
        enough.set()
        caller.join()
        learner.client.close()
    assert set(statuses) == {200}


def test_a_wrong_setting_is_named_in_one_line_of_the_log(platform: Platform) -> None:
    compose({**platform.settings, **WRONG}, *UP, "--force-recreate", "session")
    container = instances("session")[0]
    said = eventually(lambda: set(podman("logs", container).stderr.splitlines()))
    assert said == {"error: SYNC_MAX_AGE_DAYS=20000: it takes a whole number from 1 to 3650"}


def test_nothing_stays_but_the_images(platform: Platform) -> None:
    assert of_this_project()
    compose(platform.settings, "down", "--volumes")
    assert of_this_project() == []
