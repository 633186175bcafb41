"""The root and the health of what is behind the gateway."""

from __future__ import annotations

from importlib.metadata import version

from tests.gateway.edge import Edge, wait_until


def test_the_root_names_the_service_and_its_version(edge: Edge) -> None:
    response = edge.http.get("/")
    assert response.json() == {"service": "practice-platform", "version": version("practice-platform")}
    assert response.headers["content-type"] == "application/json"


def test_health_is_ok_while_every_service_is(edge: Edge) -> None:
    response = edge.http.get("/health")
    assert (response.status_code, response.json()["status"]) == (200, "ok")
    assert response.headers["content-type"] == "application/json"
    assert edge.http.head("/health").status_code == 200


def test_health_is_503_while_one_service_is_down(broken_edge: Edge) -> None:
    wait_until(lambda: broken_edge.http.get("/health").status_code == 503)
    response = broken_edge.http.get("/health")
    assert response.json()["status"] == "unavailable"
    assert response.headers["content-type"] == "application/json"
    assert broken_edge.http.head("/health").status_code == 503
