"""A page of the documents as a story: its blocks run in their order by one shell, as a reader pastes them.

The shell's directory looks like the checkout, with the running stack's `.practice` in it. What a page says of
the reader's own is put in: the ports of `make up`, Ana's address, and the day that Ana missed.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from deploy.local.ports import LISTENERS, Ports
from deploy.local.stack import LocalStack
from tests import programs
from tests.end_to_end.command import environment_at
from tests.end_to_end.documented import assert_like
from tests.npm import NODE
from tests.offline import offline_session
from tests.snippets import ROOT, Block, Fate
from tests.stack import open_client
from tests.waiting import PATIENCE_SECONDS

ANA, BEA, MISSED_DAY = "ana@example.com", "bea@example.com", "2026-05-15"
PASSWORD = "a long password"
# A member, item or piece of text that a page leaves out.
GAP = "…"
_SIGN_UP = "accounts:signUp"
_MONTHS = "January February March April May June July August September October November December"
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# What is another each time: in texts that are compared these stand for themselves.
_VARYING = (
    (re.compile(rf"\s*{GAP}\s*"), r"[\s\S]*?"),
    (re.compile(r"[\w.+-]+@[\w.-]+\w"), r"[\w.+-]+@[\w.-]+\w"),
    (re.compile(_UUID), _UUID),
    (re.compile("|".join(_MONTHS.split())), "[A-Z][a-z]+"),
    (re.compile(r"(?<=HTTP/)[\d.]+ \d{3}"), ""),
    (re.compile(r"\d+"), r"\d+"),
    (re.compile(r"\s+"), r"\s+"),
)

# A call that is refused ends the story unless the block says so. `practice` is asked of this process, which
# need not import everything anew; of `make` only what looks at the stack.
_PRELUDE = r"""
set -euo pipefail
refused=
curl() {
  local ended=0
  command curl --fail-with-body -w '%{stderr}answered %{http_code}\n' "$@" || ended=$?
  if [ "$ended" = 22 ] && [ -n "$refused" ]; then ended=0; fi
  return "$ended"
}
practice() {
  printf '%s\0' "$PWD" "$@" > "$STORY/asked"
  local ended
  read -r ended < "$STORY/ended"
  cat "$STORY/complained" >&2
  cat "$STORY/said"
  return "$ended"
}
make() {
  [ "$*" = status ] || { echo "'make $*' does not run here: say why before the block" >&2; return 1; }
  practice status
}
"""


class Commands:
    """Answers the `practice` of a shell by programs that are forked; a story asks one after another."""

    def __init__(self, folder: Path, stack: LocalStack) -> None:
        self._folder = folder
        self._environment = environment_at(stack)
        for name in ("asked", "ended"):
            os.mkfifo(folder / name)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Answers until the block is left."""
        thread = threading.Thread(target=self._serve, daemon=True)
        thread.start()
        try:
            yield
        finally:
            # Nobody reads if it failed; the shell has told of it by then.
            with suppress(OSError):
                os.close(os.open(self._folder / "asked", os.O_WRONLY | os.O_NONBLOCK))
            thread.join(PATIENCE_SECONDS)

    def _serve(self) -> None:
        while asked := (self._folder / "asked").read_bytes():
            directory, *words = asked.decode().split("\0")[:-1]
            done = programs.run("deploy", *words, env=self._environment, directory=Path(directory))
            (self._folder / "said").write_text(done.stdout)
            (self._folder / "complained").write_text(done.stderr)
            (self._folder / "ended").write_text(f"{done.returncode}\n")


class Story:
    """The blocks of one page, and what is put in for the reader's own."""

    def __init__(self, stack: LocalStack, folder: Path, blocks: Sequence[Block], opening: str) -> None:
        """Prepares a story; `opening` is the README's block that makes an account and logs in."""
        self._stack = stack
        self._blocks = blocks
        self._opening = opening
        self._outputs, self._directory = folder / "story", folder / "checkout"
        missed = datetime.now(UTC) - timedelta(days=2)
        self._own = {email: f"{email[:3]}.{uuid.uuid4().hex[:12]}@example.com" for email in (ANA, BEA)}
        self._own[MISSED_DAY] = f"{missed:%Y-%m-%d}"

    def play(self) -> None:
        """Runs all blocks. Raises AssertionError that names the first that fails or answers another thing."""
        self._outputs.mkdir()
        self._make_checkout()
        begins_itself = any(_SIGN_UP in block.text for block in self._blocks if block.fate is Fate.RUNS)
        script = self._outputs / "script.sh"
        opening = "" if begins_itself else self._opening_of_somebody_known()
        script.write_text(_PRELUDE + opening + "".join(self._steps()))
        with Commands(self._outputs, self._stack).serving():
            played = subprocess.run(
                ["bash", str(script)],
                cwd=self._directory,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=PATIENCE_SECONDS,
                check=False,
            )
        begun = [number for number in self._numbers(Fate.RUNS) if self._file(number, "out").exists()]
        assert begun, played.stderr
        assert played.returncode == 0, f"{self._told(begun[-1])}\nended with {played.returncode}"
        self._compare()

    def states_of_sessions(self) -> set[str]:
        """Returns the states that Ana's sessions are left in."""
        with self._client() as client:
            bearer = self._log_in(client, ANA)
            sessions = client.get("/v1/sessions?page_size=100", headers=bearer).json()["sessions"]
        return {session["state"].removeprefix("STATE_") for session in sessions}

    def _numbers(self, fate: Fate) -> list[int]:
        return [number for number, block in enumerate(self._blocks) if block.fate is fate]

    def _file(self, number: int, name: str) -> Path:
        return self._outputs / f"{number:03}.{name}"

    def _make_checkout(self) -> None:
        self._directory.mkdir()
        for path in ROOT.iterdir():
            if path.name not in {".git", ".practice"}:
                (self._directory / path.name).symlink_to(path)
        (self._directory / ".practice").symlink_to(self._stack.layout.home)

    def _environment(self) -> dict[str, str]:
        # Small programs in Python without a version manager in front of each.
        path = f"{Path(sys.executable).parent}:{NODE.parent}:{os.environ['PATH']}"
        own = {"PATH": path, "STORY": str(self._outputs), "NODE_OPTIONS": "", "PYTHONDONTWRITEBYTECODE": "1"}
        return {**environment_at(self._stack), **own}

    def _opening_of_somebody_known(self) -> str:
        """Makes Ana, whose focus streak broke on the day she missed, and Bea. Returns what logs Ana in."""
        with self._client() as client:
            for email in (ANA, BEA):
                given = {"first_name": email[:3].capitalize(), "last_name": "Gil"}
                given |= {"email": self._own[email], "password": PASSWORD}
                client.post(f"/v1/{_SIGN_UP}", json=given).raise_for_status()
            days = (datetime.now(UTC) - timedelta(days=ago, minutes=5) for ago in (3, 1))
            practised = [offline_session(day, "focus", planned_seconds=1500, time_zone="UTC") for day in days]
            bearer = self._log_in(client, ANA)
            client.post("/v1/sessions:sync", json={"items": practised}, headers=bearer).raise_for_status()
        lines = [line for line in self._opening.splitlines() if _SIGN_UP not in line]
        return self._fitted("\n".join(lines) + "\n")

    def _client(self) -> httpx.Client:
        return open_client(self._stack.gateway_url)

    def _log_in(self, client: httpx.Client, email: str) -> dict[str, str]:
        given = {"email": self._own[email], "password": PASSWORD}
        answered = client.post("/v1/accounts:logIn", json=given).raise_for_status().json()
        return {"Authorization": f"Bearer {answered['access_token']}"}

    def _steps(self) -> Iterator[str]:
        for number in self._numbers(Fate.RUNS):
            block = self._blocks[number]
            yield f'exec 1>"$STORY/{number:03}.out" 2>"$STORY/{number:03}.err"\n'
            yield f"refused={block.refused or ''}\n"
            text = self._fitted(block.text)
            if block.language == "sh" and not block.title:
                yield text
                continue
            file = self._file(number, "mjs" if block.language == "js" else "file")
            file.write_text(text)
            if block.title:
                title = shlex.quote(block.title)
                yield f'mkdir -p "$(dirname {title})"\ncp {file} {title}\n'
            else:
                yield f"node {file}\n" if block.language == "js" else f'python3 -c "$(cat {file})"\n'

    def _fitted(self, text: str) -> str:
        for own, put_in in self._own.items():
            text = text.replace(own, put_in)
        ports, usual = self._stack.settings.ports.by_listener, Ports()
        for name in LISTENERS:
            text = re.sub(rf"(?<=127\.0\.0\.1:){getattr(usual, name)}\b", str(ports[name]), text)
            text = re.sub(rf"(?<=localhost:){getattr(usual, name)}\b", str(ports[name]), text)
        return text

    def _compare(self) -> None:
        ran = 0
        for number, block in enumerate(self._blocks):
            if block.fate is Fate.RUNS:
                ran = number
                if block.refused:
                    complaints = self._file(number, "err").read_text()
                    assert f"answered {block.refused}" in complaints, self._told(number)
            elif block.fate is Fate.COMPARED:
                try:
                    compare(block, self._file(ran, "out").read_text())
                except AssertionError as error:
                    raise AssertionError(
                        f"line {block.line} shows another: {error}\n{self._told(ran)}"
                    ) from None

    def _told(self, number: int) -> str:
        block = self._blocks[number]
        said = [self._file(number, name).read_text()[-2000:] for name in ("out", "err")]
        return f"line {block.line}:\n{self._fitted(block.text)}\nsaid:\n" + "\n".join(said)


def compare(block: Block, output: str) -> None:
    """Raises AssertionError unless what a block shows is like the end of what was answered.

    JSON is like it when everything shown is there, of the type shown, and true where true is shown.
    Text is like it with other numbers, days and addresses. A gap stands for whatever is there.
    """
    if block.language == "text":
        expected = pattern(block.text)
        assert re.search(expected, output), f"{output!r} is not like {expected!r}"
        return
    shown = without_gaps(json.loads(block.text))
    answers = list(documents(output))
    assert answers, f"no JSON was answered: {output[-500:]!r}"
    assert_like(answers[-1], shown)
    answered = dict(flags(answers[-1]))
    assert {path: answered[path] for path, _ in flags(shown)} == dict(flags(shown))


def pattern(text: str) -> str:
    """Returns the regular expression of what is like a text."""
    pieces, position, text = [], 0, text.strip()
    while position < len(text):
        for varying, expression in _VARYING:
            if (found := varying.match(text, position)) and found.end() > position:
                # Of an answer's first line the status is what it is about.
                pieces.append(expression or re.escape(found[0]))
                position = found.end()
                break
        else:
            pieces.append(re.escape(text[position]))
            position += 1
    return "".join(pieces)


def without_gaps(shown: Any) -> Any:
    """Returns a JSON value without what stands for the rest of it."""
    if isinstance(shown, dict):
        return {name: without_gaps(value) for name, value in shown.items() if name != GAP}
    if isinstance(shown, list):
        return [without_gaps(value) for value in shown if value != GAP]
    return shown


def flags(value: Any, path: str = "$") -> Iterator[tuple[str, bool]]:
    """Yields each true and false in a JSON value, with the path to it, but those of how fast it went."""
    if isinstance(value, bool) and not path.endswith("pending"):
        yield path, value
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, member in members:
        yield from flags(member, f"{path}.{name}")


def documents(output: str) -> Iterator[Any]:
    """Yields the JSON objects and arrays in what programs said, whatever stands between them."""
    decoder, position = json.JSONDecoder(), 0
    while found := re.compile(r"[\[{]").search(output, position):
        try:
            value, position = decoder.raw_decode(output, found.start())
        except json.JSONDecodeError:
            position = found.end()
        else:
            yield value
