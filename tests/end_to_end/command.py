"""The `practice` command as an operator runs it beside a running stack."""

from __future__ import annotations

import os
import subprocess
import sys

from deploy.local.stack import LocalStack
from tests.waiting import PATIENCE_SECONDS


def start_practice(stack: LocalStack, *words: str) -> subprocess.Popen[str]:
    """Starts a command whose output is read later."""
    return subprocess.Popen(
        [sys.executable, "-m", "deploy", *words],
        env={**os.environ, "PRACTICE_HOME": str(stack.layout.home), "COLUMNS": "300"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def practice(stack: LocalStack, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Runs a command to its end; `given` is what the operator types."""
    process = start_practice(stack, *words)
    said, complained = process.communicate(given, timeout=PATIENCE_SECONDS)
    return subprocess.CompletedProcess(process.args, process.returncode, said, complained)
