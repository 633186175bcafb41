"""The `practice` command as an operator runs it beside a running stack."""

from __future__ import annotations

import os
import subprocess

from deploy.local.stack import LocalStack
from tests import programs


def start_practice(stack: LocalStack, *words: str) -> programs.Started:
    """Starts a command whose output is read later."""
    return programs.start("deploy", *words, env=environment_at(stack))


def practice(
    stack: LocalStack, *words: str, given: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end; `given` is what the operator types."""
    return programs.run("deploy", *words, env={**environment_at(stack), **environment}, given=given)


def environment_at(stack: LocalStack) -> dict[str, str]:
    """The operator's environment, on a terminal that breaks no line."""
    return {**os.environ, "PRACTICE_HOME": str(stack.layout.home), "COLUMNS": "300"}
