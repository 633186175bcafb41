"""The `practice` command as a person runs it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests import programs


def practice(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    return programs.run("deploy", *words, env={**os.environ, "PRACTICE_HOME": str(home), **environment})
