"""Where a command finds a service: what the environment says, or the running local stack."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeVar

Office = TypeVar("Office")


@contextmanager
def opened(
    open_office: Callable[[str, str], AbstractContextManager[Office]], address_setting: str
) -> Iterator[Office]:
    """Opens the office of the service at a setting's address; a failed call ends the command."""
    from deploy.commands.admin_calls import CallFailedError  # noqa: PLC0415 - slow to import

    address, token_file = service_setting(address_setting), service_setting("INTERNAL_TOKEN_FILE")
    try:
        with open_office(address, Path(token_file).read_text().strip()) as office:
            yield office
    except CallFailedError as error:
        sys.exit(f"error: {error}")


def service_setting(name: str) -> str:
    """Returns a setting such as STATS_ADDRESS; ends the command with the reason when nobody says it."""
    return os.environ.get(name) or _of_local_stack(name)


def _of_local_stack(name: str) -> str:
    try:
        from deploy.local.layout import default_home  # noqa: PLC0415 - absent where no local stack runs
        from deploy.local.stack import LocalStack  # noqa: PLC0415
    except ImportError:
        sys.exit(f"error: {name} is not given")
    stack = LocalStack.last_started(default_home(dict(os.environ)))
    if stack.supervisor_status().pid is None:
        sys.exit("error: the stack is not up: run `make up` first")
    return stack.settings.values()[name]
