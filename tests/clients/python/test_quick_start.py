"""Every program of the client's README runs, as it stands there, with nothing but the wheel."""

from __future__ import annotations

import re
import subprocess
import uuid
from pathlib import Path

from deploy.local.stack import LocalStack
from tests.clients.python.conftest import CLIENT
from tests.waiting import PATIENCE_SECONDS

_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
# What each says at last.
SAID = (
    "right\nstreak: 1 day(s)\n",
    "STATE_COMPLETED\n",
    "404 SESSION_NOT_FOUND\n",
    "1 merged 0 waiting\n",
    " 0\n",
    "Ana\n",
)


def test_the_programs_of_the_readme_run(stack: LocalStack, clean_python: Path, tmp_path: Path) -> None:
    programs = _BLOCK.findall((CLIENT / "README.md").read_text(encoding="utf-8"))
    assert len(programs[0].splitlines()) < 20
    email = f"ana.{uuid.uuid4().hex}@example.com"
    for program, said in zip(programs, SAID, strict=True):
        text = program.replace("http://127.0.0.1:8080", stack.gateway_url).replace("ana@example.com", email)
        done = subprocess.run(
            [clean_python, "-I", "-W", "error", "-c", text],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith(said), done.stdout
        assert done.stderr == ""
