from __future__ import annotations

import pytest
from pydantic_settings import BaseSettings

import catalog_service.settings
import gateway.settings
import identity_service.settings
import session_service.settings
import stats_service.settings
from deploy import topology

NODES = {node.name: node for node in (*topology.PROCESSES, *topology.JOBS)}
READ_BY: dict[str, type[BaseSettings]] = {
    "identity": identity_service.settings.Settings,
    "catalog": catalog_service.settings.Settings,
    "session": session_service.settings.SessionSettings,
    "stats": stats_service.settings.Settings,
    "relay": session_service.settings.RelaySettings,
    "worker": stats_service.settings.WorkerSettings,
}


@pytest.mark.parametrize("name", READ_BY)
def test_a_process_gets_exactly_the_settings_its_program_reads(name: str) -> None:
    node = NODES[name]
    fields = READ_BY[name].model_fields
    assert {*node.settings, *node.tunables} == {field.upper() for field in fields}
    required = {field.upper() for field, info in fields.items() if info.is_required()}
    assert required <= set(node.settings)


def test_the_gateways_configuration_gets_only_settings_it_reads() -> None:
    node = NODES["gateway-config"]
    known = {field.upper() for field in gateway.settings.GatewaySettings.model_fields}
    assert {*node.settings, *node.tunables} <= known


def test_every_need_exists_and_none_goes_in_a_circle() -> None:
    done: set[str] = set()
    left = dict(NODES)
    while left:
        ready = [name for name, node in left.items() if set(node.needs) <= done]
        assert ready, f"these wait for each other or for nothing: {sorted(left)}"
        done |= set(ready)
        for name in ready:
            del left[name]
