"""The addresses and the secret of services: from the environment, or of the running local stack."""

from __future__ import annotations

import os
from pathlib import Path

from deploy.faults import CommandError


def internal_token() -> str:
    """Returns the secret that services ask for. Raises CommandError, OSError."""
    path = Path(service_setting("INTERNAL_TOKEN_FILE"))
    token = path.read_text(encoding="utf-8").strip()
    if not token:
        raise CommandError(f"INTERNAL_TOKEN_FILE: {path} is empty")
    return token


def service_setting(name: str) -> str:
    """Returns a setting such as STATS_ADDRESS. Raises CommandError when nobody says it."""
    return os.environ.get(name) or _of_local_stack(name)


def _of_local_stack(name: str) -> str:
    try:
        from deploy.local.layout import default_home  # noqa: PLC0415 - absent where no local stack runs
        from deploy.local.stack import LocalStack  # noqa: PLC0415
    except ImportError:
        raise CommandError(f"{name} is not given: it says where the service is") from None
    stack = LocalStack.last_started(default_home(dict(os.environ)))
    if stack.supervisor_status().pid is None:
        raise CommandError("the stack is not up: run `make up` first")
    return stack.settings.values()[name]
