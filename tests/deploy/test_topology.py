from __future__ import annotations

import importlib

import pytest
from pydantic_settings import BaseSettings

import catalog_service.settings
import gateway.bridge.settings
import gateway.settings
import identity_service.settings
import session_service.settings
import stats_service.settings
from deploy import topology
from deploy.local import watcher

NODES = {node.name: node for node in (*topology.PROCESSES, topology.WATCHER, *topology.JOBS)}
READ_BY: dict[str, type[BaseSettings]] = {
    "identity": identity_service.settings.Settings,
    "catalog": catalog_service.settings.Settings,
    "session": session_service.settings.SessionSettings,
    "stats": stats_service.settings.Settings,
    "relay": session_service.settings.RelaySettings,
    "watcher": watcher.WatcherSettings,
    "bridge": gateway.bridge.settings.BridgeSettings,
    "worker": stats_service.settings.WorkerSettings,
    "recalculator": stats_service.settings.RecalculationSettings,
}


@pytest.mark.parametrize("name", READ_BY)
def test_a_process_gets_exactly_the_settings_its_program_reads(name: str) -> None:
    node = NODES[name]
    fields = READ_BY[name].model_fields
    assert {*node.settings, *node.tunables} == {field.upper() for field in fields}
    required = {field.upper() for field, info in fields.items() if info.is_required()}
    assert required <= set(node.settings)


def test_the_gateways_configuration_gets_every_setting_it_reads_that_is_not_of_its_build() -> None:
    node = NODES["gateway-config"]
    known = {field.upper() for field in gateway.settings.GatewaySettings.model_fields}
    assert {*node.settings, *node.tunables} == known - {"CONTRACTS_FILE", "DOCS_FOLDER", "SERVICE_VERSION"}


def test_web_pages_have_the_same_origins_at_the_gateway_and_at_the_bridge() -> None:
    given = {"listen": "127.0.0.1:0", "jwks_uri": "file:///keys", "jwks_file": "/keys"}
    origins = "https://one.example, https://two.example,"
    edge = gateway.settings.GatewaySettings(**given, cors_origins=origins).origins()
    bridge = gateway.bridge.settings.BridgeSettings(**given, cors_origins=origins)
    assert edge == ["https://one.example", "https://two.example"]
    assert all(bridge.allows(origin) for origin in edge)
    assert not bridge.allows("")
    assert not bridge.allows("https://three.example")


def test_every_need_exists_and_none_goes_in_a_circle() -> None:
    done: set[str] = set()
    left = dict(NODES)
    while left:
        ready = [name for name, node in left.items() if set(node.needs) <= done]
        assert ready, f"these wait for each other or for nothing: {sorted(left)}"
        done |= set(ready)
        for name in ready:
            del left[name]


def test_every_job_that_can_be_asked_has_somebody_who_answers() -> None:
    for job in topology.JOBS:
        if job.asks:
            module, _, name = job.asks.partition(":")
            assert job.command[:3] == ("python", "-m", module)
            assert callable(getattr(importlib.import_module(module), name))
