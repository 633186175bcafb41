"""The README's examples, run as a reader would paste them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import uuid
from pathlib import Path

from deploy.local.stack import LocalStack
from tests.stack import open_client
from tests.waiting import PATIENCE_SECONDS

README = Path(__file__).parents[2] / "README.md"
_BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
# A refused call ends the script; `show` and `pick` fail on what is no JSON by themselves.
_STRICT = 'set -euo pipefail\ncurl() { command curl --fail-with-body "$@"; }\n'


def examples() -> str:
    """Returns the commands under "Try it", in their order."""
    section = README.read_text(encoding="utf-8").partition("## Try it")[2].partition("\n## ")[0]
    return "\n".join(_BLOCK.findall(section))


def test_the_examples_of_the_readme_work_one_after_another(stack: LocalStack, tmp_path: Path) -> None:
    email = f"ana.{uuid.uuid4().hex}@example.com"
    script = examples().replace("http://127.0.0.1:8080", stack.gateway_url).replace("ana@example.com", email)
    played = subprocess.run(
        ["bash", "-c", _STRICT + script],
        cwd=tmp_path,
        # Its many small programs in Python without a version manager in front of each.
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert played.returncode == 0, played.stdout[-2000:] + played.stderr
    assert '"is_correct": true' in played.stdout
    assert (tmp_path / "practice-data.zip").stat().st_size > 0

    assert states_of_sessions(stack, email) <= {"COMPLETED", "SUBMITTED"}, "an example leaves a session open"


def states_of_sessions(stack: LocalStack, email: str) -> set[str]:
    with open_client(stack.gateway_url) as client:
        given = {"email": email, "password": "a long password"}
        token = client.post("/v1/accounts:logIn", json=given).json()["access_token"]
        listed = client.get("/v1/sessions?page_size=100", headers={"Authorization": f"Bearer {token}"}).json()
    return {session["state"].removeprefix("STATE_") for session in listed["sessions"]}
