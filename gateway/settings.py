"""What the gateway reads from the environment, once, when its configuration is rendered."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.addresses import endpoints
from service_kit.setting_types import Origins, Takes
from service_kit.settings import PlatformSettings

ROOT = Path(__file__).resolve().parent.parent


def listed(text: str) -> list[str]:
    """Returns the items of a comma-separated list."""
    return [item.strip() for item in text.split(",") if item.strip()]


def _checked(text: str) -> str:
    endpoints(text)
    return text


Upstream = Annotated[
    str, AfterValidator(_checked), Takes("host:port, or several: 10.0.0.1:50053,10.0.0.2:50053")
]


def _page(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9:/?._~&=-]{1,200}", text):
        raise ValueError(f"{text!r} is no address of a page")
    return text


PageAddress = Annotated[str, AfterValidator(_page), Takes("a URL without a fragment, or a path")]


class GatewaySettings(PlatformSettings):
    """Paths are as Envoy sees them, which may be inside a container."""

    gateway_host: str = Field(
        default="127.0.0.1", min_length=1, description="the address that the gateway listens on"
    )
    gateway_port: int = Field(default=8080, ge=0, le=65535, description="the port of the gateway")
    gateway_admin_port: int = Field(
        default=9901, ge=0, le=65535, description="the port of Envoy's own page, on loopback always"
    )
    gateway_operators_host: str = Field(
        default="127.0.0.1", min_length=1, description="the address that the operators' listener has"
    )
    gateway_operators_port: int = Field(
        default=9902, ge=0, le=65535, description="the port of the operators' listener"
    )
    identity_address: Upstream = Field(default="127.0.0.1:50051", description="the identity service")
    catalog_address: Upstream = Field(default="127.0.0.1:50052", description="the catalog service")
    session_address: Upstream = Field(default="127.0.0.1:50053", description="the session service")
    stats_address: Upstream = Field(default="127.0.0.1:50054", description="the stats service")
    bridge_address: Upstream = Field(default="127.0.0.1:50055", description="the bridge for WebSockets")

    jwks_file: Path = Field(description="the public keys that verify access tokens")
    jwt_issuer: str = Field(
        default="practice", min_length=1, description="who makes access tokens, as it stands in them"
    )
    cors_origins: Origins = Field(description="the web pages that may call; a stack here takes all")
    contracts_file: Path = Field(
        default=ROOT / "generated" / "practice.binpb", description="the descriptor set read while rendering"
    )
    descriptor_file: Path | None = Field(
        default=None, description="the same file as Envoy sees it; contracts_file when left out"
    )
    docs_folder: Path = Field(
        default=ROOT / "build" / "docs",
        description="the documentation as `make docs` builds it; without the folder there is no `/docs/`",
    )
    service_version: str = Field(
        default_factory=lambda: version("practice-platform"), description="the version that is told"
    )
    gateway_errors_url: PageAddress = Field(
        default="/docs/guides/api-errors", description="where errors say the page of all reasons is"
    )

    gateway_trusted_proxies: int = Field(
        default=0, ge=0, le=10, description="proxies before this one whose X-Forwarded-For is believed"
    )
    gateway_max_connections: int = Field(
        default=10_000, ge=1, le=1_000_000, description="the most connections the gateway has open"
    )
    gateway_max_heap_mib: int = Field(
        default=512,
        ge=64,
        le=1_048_576,
        description="the gateway's memory: from 60 percent on it sheds load",
    )
    gateway_max_open_calls: int = Field(
        default=250, ge=1, le=100_000, description="the most calls without a token a service is asked at once"
    )
    # Each may hold 2.5 MiB.
    gateway_max_uploads: int = Field(
        default=64, ge=1, le=100_000, description="the most requests above 128 KiB on their way at once"
    )
    gateway_max_uploads_per_address: int = Field(
        default=24, ge=1, le=100_000, description="the most of those from one address"
    )
    gateway_max_uploads_per_user: int = Field(
        default=8, ge=1, le=100_000, description="the most of those of one account"
    )
    gateway_address_rate: int = Field(
        default=1000,
        ge=1,
        le=1_000_000,
        description="requests per second from one address, in the long run",
    )
    gateway_address_burst: int = Field(
        default=5000, ge=1, le=1_000_000, description="requests at once from one address"
    )
    gateway_open_address_rate: int = Field(
        default=20,
        ge=1,
        le=1_000_000,
        description="log-ins, sign-ups, refreshes, large files of /docs/ a second from one address",
    )
    gateway_open_address_burst: int = Field(
        default=200,
        ge=1,
        le=1_000_000,
        description="log-ins, sign-ups, refreshes, large files of /docs/ at once from one address",
    )
    gateway_account_rate_per_minute: int = Field(
        default=1200,
        ge=1,
        le=1_000_000,
        description="requests to /v1 of one account a minute, all of them at once if need be",
    )
    # Longer than the deadline that services keep themselves to, so that
    # their own answer, in the product's words, comes first.
    gateway_request_timeout_seconds: float = Field(
        default=20.0, gt=0, le=3600, description="how long a service may take to answer"
    )
    gateway_upload_seconds: float = Field(
        default=30.0, gt=0, le=3600, description="how long a request may take to arrive"
    )
    gateway_upload_idle_seconds: float = Field(
        default=10.0, gt=0, le=3600, description="how long nothing may arrive of a request that has begun"
    )
    gateway_download_seconds: float = Field(
        default=600.0,
        gt=0,
        le=86_400,
        description="how long an export or a list of designs may be read",
    )
    gateway_download_idle_seconds: float = Field(
        default=60.0, gt=0, le=3600, description="how long nothing may be read of an answer"
    )
    gateway_watch_seconds: float = Field(
        default=14_400.0, gt=0, le=7 * 86_400, description="how long a watch may last"
    )
    gateway_stream_idle_seconds: float = Field(
        default=3600.0, gt=0, le=86_400, description="how long a watch may say nothing"
    )
    gateway_health_interval_seconds: float = Field(
        default=1.0, gt=0, le=60, description="how often the gateway asks services for their health"
    )
    gateway_health_timeout_seconds: float = Field(
        default=2.0,
        gt=0,
        le=60,
        description="how long it waits for that; after two failures callers get 503 at once",
    )

    def addresses(self) -> dict[str, str]:
        """Returns the address of each upstream by its cluster's name."""
        return {
            "identity": self.identity_address,
            "catalog": self.catalog_address,
            "session": self.session_address,
            "stats": self.stats_address,
            "bridge": self.bridge_address,
        }

    def origins(self) -> list[str]:
        """Returns the origins that browsers may call from."""
        return listed(self.cors_origins)

    def descriptor_path(self) -> Path:
        """Returns where Envoy finds the descriptor set."""
        return self.descriptor_file or self.contracts_file.resolve()
