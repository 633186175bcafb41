"""docker-compose.yml against the Compose Specification's schema and against the topology."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import topology
from deploy.local import redis_server
from deploy.local.credentials import SERVICES as SERVICES_WITH_ROLES
from deploy.local.layout import ROOT
from identity_service.keys import public_jwk, read_signing_key
from service_kit.settings import ServiceSettings

FILE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
NODES = {node.name: node for node in (*topology.PROCESSES, *topology.JOBS)}
PROCESSES = {process.name: process for process in topology.PROCESSES}
SETTINGS = {"GATEWAY_CONFIG": "/var/lib/practice/gateway/envoy.yaml"}


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def names_of(service: dict[str, Any]) -> set[str]:
    """Returns the settings that reach the command; what the entry point waits for is its own."""
    return {
        name.removesuffix("_FILE") if name.endswith("URL_FILE") else name for name in service["environment"]
    } - {"WAIT_FOR"}


def make_secrets(directory: Path) -> dict[str, str]:
    """Makes the secrets with nothing but sh and openssl, and returns them."""
    command = ["sh", str(ROOT / "deploy" / "secrets.sh"), str(directory)]
    subprocess.run(command, check=True, capture_output=True, env={"PATH": os.defpath})
    return {path.name: path.read_text() for path in directory.iterdir()}


def faults_of_a_compose_file(path: Path) -> str:
    """What the Compose Specification's schema has against a file."""
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def test_the_file_follows_the_compose_specification() -> None:
    assert faults_of_a_compose_file(ROOT / "docker-compose.yml") == ""


def test_the_schema_refuses_what_is_no_compose_file(tmp_path: Path) -> None:
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text("services: {postgres: {image: postgres, restarts: always}}")
    assert "'restarts' was unexpected" in faults_of_a_compose_file(wrong)


def test_the_services_are_the_processes_and_jobs_of_the_topology() -> None:
    assert set(SERVICES) == set(NODES)


@pytest.mark.parametrize("name", [node.name for node in NODES.values() if node.command])
def test_a_service_runs_the_command_of_the_topology(name: str) -> None:
    command = [SETTINGS[word[1:]] if word.startswith("$") else word for word in NODES[name].command]
    assert SERVICES[name]["command"] == command


@pytest.mark.parametrize("name", NODES)
def test_a_service_waits_for_what_the_topology_says_it_needs(name: str) -> None:
    conditions = {
        need: {"condition": "service_healthy" if need in PROCESSES else "service_completed_successfully"}
        for need in NODES[name].needs
    }
    assert SERVICES[name].get("depends_on", {}) == conditions


@pytest.mark.parametrize(
    "name", [node.name for node in NODES.values() if node.settings and node.name != "gateway"]
)
def test_a_service_gets_the_settings_of_the_topology_all_of_them_and_no_others(name: str) -> None:
    node = NODES[name]
    assert names_of(SERVICES[name]) == {*node.settings, *node.tunables}


def test_what_may_be_set_is_passed_on_only_when_somebody_sets_it() -> None:
    """An empty value would be a wrong one."""
    for name, node in NODES.items():
        for setting, value in (SERVICES[name].get("environment") or {}).items():
            if setting in node.tunables:
                assert value is None or re.search(r":-[^}]+}$|^[\w.]+$", str(value)), (name, setting)


def test_nobody_but_the_operator_says_which_web_pages_may_call() -> None:
    for name in ("bridge", "gateway-config"):
        assert SERVICES[name]["environment"]["CORS_ORIGINS"].startswith("${CORS_ORIGINS?")


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_is_restarted_checked_for_health_and_given_its_time_to_stop(name: str) -> None:
    service, process = SERVICES[name], PROCESSES[name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"]
    assert seconds(service["stop_grace_period"]) == process.stop_seconds
    assert service.get("stop_signal", "SIGTERM") == f"SIG{process.stop_signal}"


@pytest.mark.parametrize("name", PROCESSES)
def test_a_service_runs_as_often_as_the_setting_of_the_topology_says(name: str) -> None:
    setting = PROCESSES[name].count_setting
    # One name stands for all of them, and podman-compose knows this form, too.
    expected = {"mode": "replicated", "replicas": f"${{{setting}:-2}}"} if setting else None
    assert SERVICES[name].get("deploy") == expected
    assert "container_name" not in SERVICES[name]


def test_the_database_has_connections_for_all_processes_of_the_file() -> None:
    pool = ServiceSettings.model_fields["database_pool_size"].default
    services = [process for process in topology.PROCESSES if process.schema and process.probe == "grpc"]
    (connections,) = [word for word in SERVICES["postgres"]["command"] if "max_connections" in word]
    taken = sum(pool * (2 if process.count_setting else 1) for process in services)
    # One more at statistics; relay, workers and recalculator have a few, commands some, superusers three.
    assert taken + 2 + 20 <= int(connections.partition("=")[2])


@pytest.mark.parametrize(
    "name", [process.name for process in topology.PROCESSES if process.image == "practice"]
)
def test_our_processes_are_asked_by_the_probe_of_the_topology(name: str) -> None:
    test = SERVICES[name]["healthcheck"]["test"]
    assert test[:5] == ["CMD", "python", "-m", "deploy.probe", PROCESSES[name].probe]


def test_the_servers_are_the_official_images_at_an_exact_version() -> None:
    """By their whole names: Podman looks a short one up nowhere unless it is told where."""
    assert re.fullmatch(r"docker\.io/library/postgres:18\.\d+", SERVICES["postgres"]["image"])
    assert re.fullmatch(r"docker\.io/valkey/valkey:9\.\d+\.\d+-alpine", SERVICES["redis"]["image"])
    recipe = (ROOT / "deploy" / "Dockerfile").read_text()
    bases = dict(re.findall(r"^ARG (\w+)_IMAGE=(.+)$", recipe, re.MULTILINE))
    assert re.fullmatch(r"docker\.io/envoyproxy/envoy:v1\.40\.\d+", bases["ENVOY"])
    assert re.fullmatch(r"docker\.io/library/python:3\.11\.\d+-slim-\w+", bases["PYTHON"])
    built = {name: service["build"]["target"] for name, service in SERVICES.items() if "build" in service}
    expected = dict.fromkeys(set(SERVICES) - {"postgres", "redis", "gateway"}, "practice")
    assert built == {**expected, "gateway": "gateway"}
    stages = re.findall(r"^FROM .* AS (\w+)$", recipe, re.MULTILINE)
    assert set(built.values()) <= set(stages)


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_runs_as_root_or_may_write_outside_its_volumes(name: str) -> None:
    service = SERVICES[name]
    assert service["user"] not in ("0", "root", "0:0")
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_only_the_gateway_is_reachable_from_outside() -> None:
    assert FILE["networks"]["inside"]["internal"] is True
    reachable = {name for name, service in SERVICES.items() if "ports" in service}
    outside = {name for name, service in SERVICES.items() if "outside" in service["networks"]}
    assert reachable == outside == {"gateway"}
    _, operators = SERVICES["gateway"]["ports"]
    assert operators == "127.0.0.1:${GATEWAY_OPERATORS_PORT:-9902}:9902"


def test_no_secret_is_in_the_file_and_each_mounted_one_is_declared_and_made(tmp_path: Path) -> None:
    mounted = {secret for service in SERVICES.values() for secret in service.get("secrets", [])}
    assert mounted == set(FILE["secrets"])
    made = make_secrets(tmp_path / "containers")
    assert mounted <= set(made)
    files = {name: secret["file"].rsplit("/", 1)[1] for name, secret in FILE["secrets"].items()}
    assert files == {name: name for name in mounted}
    for name, service in SERVICES.items():
        for setting, value in (service.get("environment") or {}).items():
            if str(value).startswith("/run/secrets/") or str(value).startswith("file:///run/secrets/"):
                assert str(value).rsplit("/", 1)[1] in service["secrets"], (name, setting)


def test_container_secrets_are_behind_a_closed_directory_and_made_once(tmp_path: Path) -> None:
    directory = tmp_path / "containers"
    first = make_secrets(directory)
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o444}
    passwords = [text for name, text in first.items() if name.endswith(("_password", "_token"))]
    assert len(set(passwords)) == len(passwords)
    assert min(map(len, passwords)) >= 43
    assert make_secrets(directory) == first


def test_the_addresses_among_the_secrets_are_those_of_the_roles(tmp_path: Path) -> None:
    made = make_secrets(tmp_path)
    assert made["database_url"] == f"postgresql://practice:{made['postgres_password']}@postgres:5432/practice"
    for service in SERVICES_WITH_ROLES:
        password = made[f"postgres_{service}_password"]
        url = f"postgresql://practice_{service}:{password}@postgres:5432/practice"
        assert made[f"database_url_{service}"] == url
    assert made["redis_url"] == f"redis://:{made['redis_password']}@redis:6379/0"
    assert made["valkey.conf"] == redis_server.configuration(
        Path("/data"), 6379, made["redis_password"], bind="0.0.0.0"
    )


def test_the_signing_key_among_the_secrets_is_the_one_that_is_published(tmp_path: Path) -> None:
    made = make_secrets(tmp_path)
    key = read_signing_key(tmp_path / "signing_key.pem")
    assert json.loads(made["jwks.json"]) == {"keys": [public_jwk(key.public_key())]}


@pytest.mark.parametrize("name", [process.name for process in topology.PROCESSES if process.schema])
def test_a_process_gets_the_database_as_the_role_of_its_schema(name: str) -> None:
    service, secret = SERVICES[name], f"database_url_{PROCESSES[name].schema}"
    assert service["environment"]["DATABASE_URL_FILE"] == f"/run/secrets/{secret}"
    assert secret in service["secrets"]
    assert "database_url" not in service["secrets"]


def test_the_database_makes_the_roles_that_the_secrets_name() -> None:
    mounts = [str(mount).split(":") for mount in SERVICES["postgres"]["volumes"]]
    script = next(Path(source) for source, target, *_ in mounts if target.endswith("/roles.sh"))
    text = (ROOT / script).read_text()
    assert f"for service in {' '.join(SERVICES_WITH_ROLES)}; do" in text
    assert {f"postgres_{service}_password" for service in SERVICES_WITH_ROLES} <= set(
        SERVICES["postgres"]["secrets"]
    )


def test_nothing_is_in_the_file_that_podman_does_not_take() -> None:
    """What Podman 4.3 and podman-compose 1.6 refused or ignored."""
    assert "configs" not in FILE
    for name, service in SERVICES.items():
        assert "configs" not in service, name
        assert "start_interval" not in service.get("healthcheck", {}), name
        for mount in service.get("tmpfs", []):
            assert "uid=" not in mount and "gid=" not in mount, name
            # Podman has a tmpfs on /run of a read-only root; one within it belongs to root alone.
            assert not mount.startswith(("/run", "/var/run")), name
    # The conditions of depends_on are not waited for there.
    for job in ("migrate", "content"):
        waits = SERVICES[job]["environment"]["WAIT_FOR"].split(",")
        assert {address.split(":")[0] for address in waits} == set(NODES[job].needs)


def test_the_image_copies_every_package_that_runs_and_no_secret_reaches_the_builder() -> None:
    recipe = (ROOT / "deploy" / "Dockerfile").read_text()
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    services = [f"{name}_service" for name in ("identity", "catalog", "session", "stats")]
    packages = ("service_kit", "contract_kit", "gateway", "deploy", "content", *services)
    for package in packages:
        assert f"COPY {package} ./{package}" in recipe
        assert f"!{package}" in ignored
    assert not any(line.startswith("!.practice") for line in ignored)
    assert re.search(r"^USER 10001:10001$", recipe, re.MULTILINE)
