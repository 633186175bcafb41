"""How Envoy itself serves the documentation: each file is the body of a direct response."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.contracts import Binding
from gateway.docs.manifest import SiteFile, read_manifest
from gateway.rate_limits import address_rate_limit
from gateway.routes import UNBUFFERED, UNTRANSCODED, Config
from gateway.settings import GatewaySettings

# Envoy asks for a bound, in bytes; no file comes near it.
LARGEST_FILE = 8 * 1024 * 1024
# What is larger waits in the gateway's memory until it is read, so an address may ask for it only so often.
_LARGE = 64 * 1024
# Everything is under the first, but for what programs look for at the root.
_FOLDER, _AT_ROOT = "/docs", "/llms.txt"


def public_files(settings: GatewaySettings) -> list[SiteFile]:
    """Returns what everybody may read; nothing where the documentation was not built."""
    return [file for file in read_manifest(settings.docs_folder) if not file.for_operators]


def operator_files(settings: GatewaySettings) -> list[SiteFile]:
    """Returns what is served on the operators' listener."""
    return [file for file in read_manifest(settings.docs_folder) if file.for_operators]


def site_bindings(files: Iterable[SiteFile]) -> list[Binding]:
    """Returns what is served where, for the table of paths."""
    return [Binding(verb, file.path) for file in files for verb in ("GET", "HEAD")]


def site_rules(files: Iterable[SiteFile]) -> list[Config]:
    """Returns the rules by which the documentation needs no token."""
    matches = ({"path_separated_prefix": _FOLDER}, {"path": _AT_ROOT})
    return [{"match": match} for match in matches] if list(files) else []


def site_routes(files: Iterable[SiteFile], settings: GatewaySettings) -> list[Config]:
    """Returns the routes of files: not changed, compressed for who takes that, as it is."""
    return [route for file in files for route in _file_routes(file, settings)]


def _file_routes(file: SiteFile, settings: GatewaySettings) -> Iterator[Config]:
    headers = {
        "cache-control": "public, max-age=31536000, immutable" if file.lasting else "no-cache",
        "etag": f'W/"{file.digest}"',
        **({"vary": "accept-encoding"} if file.compressed else {}),
    }
    described = {
        **headers,
        "content-type": file.media_type,
        "referrer-policy": "no-referrer",
        **({"content-security-policy": file.policy} if file.policy else {}),
    }
    filters = {**UNTRANSCODED, **UNBUFFERED}
    if file.size > _LARGE:
        rate, burst = settings.gateway_open_address_rate, settings.gateway_open_address_burst
        filters["envoy.filters.http.local_ratelimit"] = address_rate_limit(rate, burst, "docs")

    def route(match: Config, response: Config, sent: dict[str, str]) -> Config:
        return {
            "match": {"path": file.path, **match},
            "direct_response": response,
            "response_headers_to_add": [
                {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
                for key, value in sent.items()
            ],
            "typed_per_filter_config": filters,
        }

    def body(name: str) -> Config:
        return {"status": 200, "body": {"filename": str(settings.docs_folder.resolve() / name)}}

    if not file.lasting:
        yield route(_has("if-none-match", file.digest), {"status": 304}, headers)
    if file.compressed:
        # Where there is nothing else, a client that says nothing takes it as well (RFC 9110).
        match = _has("accept-encoding", "gzip") if file.plain else {}
        yield route(match, body(file.compressed), {**described, "content-encoding": "gzip"})
    if file.plain:
        yield route({}, body(file.plain), described)


def _has(header: str, text: str) -> Config:
    return {"headers": [{"name": header, "string_match": {"contains": text}}]}
