"""The documentation in a browser: it asks no other host, shows everything, and calls the API with a token."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from deploy.local.stack import LocalStack
from gateway.docs import scalar
from gateway.docs.guides import NAMES
from gateway.docs.site import ASSETS
from tests.clients import running
from tests.waiting import PATIENCE_SECONDS

PAGES = ["/docs/", *(f"/docs/guides/{name}" for name in NAMES)]


@pytest.fixture(scope="module")
def told(stack: LocalStack, npm_packages: None) -> Any:
    """What a browser tells of a visit to every page, at the width of a phone and of a desk."""
    assert scalar.is_kept(), "the reference's script is not here: `make docs` fetches it from an npm registry"
    return running.play("docs_page.js", {"baseUrl": stack.gateway_url, "pages": PAGES, **account(stack)})


def account(stack: LocalStack) -> dict[str, str]:
    """Runs the first calls of the documentation, as a reader pastes them; returns the token they end with."""
    page = (ASSETS / "index.md").read_text(encoding="utf-8")
    script = re.search(r"```sh\n(.*?)```", page, re.DOTALL)
    assert script
    mine = script[1].replace("http://127.0.0.1:8080", stack.gateway_url)
    mine = mine.replace("ana@example.com", f"ana.{uuid.uuid4().hex}@example.com")
    strict = f'curl() {{ command curl --fail "$@"; }}\n{mine}\necho; echo "$TOKEN"'
    played = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", strict],
        # Its small programs in Python without a version manager in front of each.
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    *answers, token = played.stdout.split()
    assert '"state":"STATE_ACTIVE"' in "".join(answers)
    return {"token": token}


def test_no_page_asks_another_host_or_goes_wrong(told: Any) -> None:
    assert told["outside"] == []
    assert told["problems"] == []


def test_every_page_has_its_title_and_fits_its_screen(told: Any) -> None:
    assert told["titles"].keys() == {*PAGES, "/docs/reference"}
    assert all(told["titles"].values())
    assert told["wide"] == []


def test_a_call_from_the_reference_is_answered(told: Any) -> None:
    assert told["called"] == {"status": 200, "authorized": True}


def test_the_reference_has_every_product_to_choose(told: Any) -> None:
    assert len(told["documents"]) == 6
