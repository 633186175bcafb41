"""Where services listen, as the settings name it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gateway import render
from gateway.addresses import Endpoint, endpoints
from gateway.settings import GatewaySettings


def test_an_address_is_a_host_and_a_port_or_a_list_of_them() -> None:
    assert endpoints("session:50053") == [Endpoint("session", 50053)]
    assert endpoints("10.0.0.1:1, [::1]:2,a-b.example.:65535") == [
        Endpoint("10.0.0.1", 1),
        Endpoint("::1", 2),
        Endpoint("a-b.example.", 65535),
    ]


def test_a_service_may_have_several_addresses_and_each_is_one_of_its_cluster(tmp_path: Path) -> None:
    settings = GatewaySettings(
        jwks_file=tmp_path, cors_origins="*", session_address="10.0.0.1:1,[::1]:2", stats_address="a:1,b:2"
    )
    by_name = {each["name"]: each for each in render.render(settings)["static_resources"]["clusters"]}
    assert (by_name["session"]["type"], by_name["stats"]["type"]) == ("STATIC", "STRICT_DNS")
    (locality,) = by_name["session"]["load_assignment"]["endpoints"]
    sockets = [each["endpoint"]["address"]["socket_address"] for each in locality["lb_endpoints"]]
    assert sockets == [{"address": "10.0.0.1", "port_value": 1}, {"address": "::1", "port_value": 2}]


@pytest.mark.parametrize(
    "address",
    [
        *("", "session", "session:", ":50053", "session:0", "session:65536", "session:http", "a b:1"),
        *("[session]:50053", "[::1", "::1:50053", "10.0.0.256:1", "-a:1", "http://a:1", "a:1;b:2"),
        *("a:1,", "a:1,,b:2", "a:1,a:1", "a:1 b:2"),
    ],
)
def test_an_address_that_is_none_is_refused_in_a_line_that_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, address: str
) -> None:
    monkeypatch.setenv("JWKS_FILE", "jwks.json")
    monkeypatch.setenv("CORS_ORIGINS", "")
    monkeypatch.setenv("SESSION_ADDRESS", address)
    monkeypatch.setattr(sys, "argv", ["render", str(tmp_path / "envoy.yaml")])
    with pytest.raises(SystemExit):
        render.main()
    (line,) = capsys.readouterr().err.splitlines()
    told = f"SESSION_ADDRESS={address}:" if address else "SESSION_ADDRESS is empty:"
    assert line == f"error: {told} it takes host:port, or several: 10.0.0.1:50053,10.0.0.2:50053"
