"""What a contributor's tools read: the hooks, the workflow and the editor's settings do what lint does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
HOOKS: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0][
    "hooks"
]


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_the_hooks_are_what_pre_commit_reads() -> None:
    done = run("pre_commit", "validate-config", ".pre-commit-config.yaml")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_runs_a_locked_program(hook: dict[str, Any]) -> None:
    """Hooks take the environment of the project, where the lock file decides the version."""
    program = hook["entry"].split()[0]
    assert program.startswith(".venv/bin/")
    assert Path(sys.executable).with_name(Path(program).name).exists()
    assert hook["language"] == "system"


def test_the_hooks_ask_no_more_than_lint_does() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for hook in HOOKS:
        program = Path(hook["entry"].split()[0]).name
        assert f"$(BIN)/{program}" in makefile


def test_the_workflow_runs_the_check_of_a_change_and_nothing_else() -> None:
    done = run("check_jsonschema", "--builtin-schema", "vendor.github-workflows", WORKFLOW)
    assert done.returncode == 0, done.stdout
    (job,) = yaml.safe_load(WORKFLOW.read_text())["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
