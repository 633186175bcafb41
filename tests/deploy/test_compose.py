"""docker-compose.yml against the Compose Specification's schema and against the topology."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from deploy import topology
from deploy.container_secrets import make
from deploy.local.layout import ROOT

HERE = Path(__file__).parent
FILE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
NODES = {node.name: node for node in (*topology.PROCESSES, *topology.JOBS)}
PROCESSES = {process.name: process for process in topology.PROCESSES}
SETTINGS = {"GATEWAY_CONFIG": "/var/lib/practice/gateway/envoy.yaml"}


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def names_of(service: dict[str, Any]) -> set[str]:
    return {
        name.removesuffix("_FILE") if name.endswith("URL_FILE") else name for name in service["environment"]
    }


def test_the_file_follows_the_compose_specification() -> None:
    schema = json.loads((HERE / "compose_spec" / "compose-spec.json").read_text())
    Draft202012Validator.check_schema(schema)
    faults = [fault.message for fault in Draft202012Validator(schema).iter_errors(FILE)]
    assert faults == []


def test_the_schema_refuses_what_is_no_compose_file() -> None:
    schema = json.loads((HERE / "compose_spec" / "compose-spec.json").read_text())
    wrong = {"services": {"postgres": {"image": "postgres", "restarts": "always"}}}
    assert not Draft202012Validator(schema).is_valid(wrong)


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
def test_a_service_gets_the_settings_of_the_topology_and_no_others(name: str) -> None:
    node = NODES[name]
    given = names_of(SERVICES[name])
    assert set(node.settings) <= given
    assert given <= {*node.settings, *node.tunables}


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_is_restarted_checked_for_health_and_given_its_time_to_stop(name: str) -> None:
    service, process = SERVICES[name], PROCESSES[name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"]
    assert seconds(service["stop_grace_period"]) == process.stop_seconds
    assert service.get("stop_signal", "SIGTERM") == f"SIG{process.stop_signal}"


@pytest.mark.parametrize(
    "name", [process.name for process in topology.PROCESSES if process.image == "practice"]
)
def test_our_processes_are_asked_by_the_probe_of_the_topology(name: str) -> None:
    test = SERVICES[name]["healthcheck"]["test"]
    assert test[:5] == ["CMD", "python", "-m", "deploy.probe", PROCESSES[name].probe]


def test_the_servers_are_the_official_images_at_an_exact_version() -> None:
    assert re.fullmatch(r"postgres:18\.\d+", SERVICES["postgres"]["image"])
    assert re.fullmatch(r"valkey/valkey:9\.\d+\.\d+-alpine", SERVICES["redis"]["image"])
    recipe = (ROOT / "deploy" / "Dockerfile").read_text()
    assert re.search(r"^ARG ENVOY_IMAGE=envoyproxy/envoy:v1\.40\.\d+$", recipe, re.MULTILINE)
    assert re.search(r"^ARG PYTHON_IMAGE=python:3\.11\.\d+-slim-\w+$", recipe, re.MULTILINE)
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
    make(tmp_path / "containers")
    made = {path.name for path in (tmp_path / "containers").iterdir()}
    assert mounted <= made
    files = {name: secret["file"].rsplit("/", 1)[1] for name, secret in FILE["secrets"].items()}
    assert files == {name: name for name in mounted}
    for name, service in SERVICES.items():
        for setting, value in (service.get("environment") or {}).items():
            if str(value).startswith("/run/secrets/") or str(value).startswith("file:///run/secrets/"):
                assert str(value).rsplit("/", 1)[1] in service["secrets"], (name, setting)


def test_container_secrets_are_behind_a_closed_directory_and_made_once(tmp_path: Path) -> None:
    directory = tmp_path / "containers"
    make(directory)
    first = {path.name: path.read_text() for path in directory.iterdir()}
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o444}
    assert first["postgres_password"] in first["database_url"]
    assert first["redis_password"] in first["redis_url"]
    assert f"requirepass {first['redis_password']}\n" in first["redis.conf"]

    make(directory)
    assert {path.name: path.read_text() for path in directory.iterdir()} == first


def test_the_image_copies_every_package_that_runs_and_no_secret_reaches_the_builder() -> None:
    recipe = (ROOT / "deploy" / "Dockerfile").read_text()
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    services = [f"{name}_service" for name in ("identity", "catalog", "session", "stats")]
    packages = ("service_kit", "gateway", "deploy", "content", *services)
    for package in packages:
        assert f"COPY {package} ./{package}" in recipe
        assert f"!{package}" in ignored
    assert not any(line.startswith("!.practice") for line in ignored)
    assert re.search(r"^USER 10001:10001$", recipe, re.MULTILINE)
