"""What other accounts notice while somebody attacks the gateway, and what the attack leaves behind.

    python -m benchmarks.hostile_clients [--seconds 20] [--attack "600 watchers" ...]

A stack of its own is started, and each attack of benchmarks/attacks.py runs
against it from a process of its own. Beside it four people of other accounts
practise: they log in, read themselves, answer, list, ask for their standing, and
`/health` is asked. For each attack a line says how long these calls took and
which were not answered well, and which process had grown most once it was over.
The command fails when the slowest hundredth took a second or more, when a call of
the others was refused, or when a process kept more than 100 MiB.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path
from queue import Empty
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from benchmarks.attacks import ATTACKS, EXPORT, MINE, Attack, Hostages
from deploy.local.servers import free_ports
from deploy.local.stack import LocalStack

MOST_SECONDS = 1.0
MOST_MIB = 100.0
CALM_SECONDS = 45.0
PEOPLE = 4
DOWNLOADERS = 30
DIAGRAMS = 3
DIAGRAM_BYTES = 700_000


@dataclass
class Person:
    """Somebody with an account, who practises."""

    client: httpx.AsyncClient
    email: str = ""
    password: str = field(default_factory=lambda: uuid.uuid4().hex)
    token: str = ""

    async def sign_up(self) -> None:
        """Makes the account and logs in."""
        self.email = f"{uuid.uuid4().hex}@example.com"
        body = {"first_name": "Ana", "email": self.email, "password": self.password}
        await self.ok("POST", "/v1/accounts:signUp", body)
        await self.log_in()

    async def log_in(self) -> None:
        """Takes a token that no service has seen."""
        body = {"email": self.email, "password": self.password}
        self.token = (await self.ok("POST", "/v1/accounts:logIn", body))["access_token"]

    async def send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Sends a call with the token."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return await self.client.request(method, path, json=body, headers=headers)

    async def ok(self, method: str, path: str, body: Any = None) -> Any:
        """Returns the JSON of a call that succeeds."""
        response = await self.send(method, path, body)
        response.raise_for_status()
        return response.json()


@dataclass
class Noticed:
    """How long others' calls took, in seconds, and what went wrong with them."""

    seconds: list[float] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    faults: Counter[str] = field(default_factory=Counter)

    async def call(self, person: Person, method: str, path: str, body: Any = None) -> Any:
        """Times a call; a fault is counted."""
        began = time.monotonic()
        try:
            response = await person.send(method, path, body)
            if response.is_success:
                return response.json()
            self.faults[f"{method} {path}: {response.status_code}"] += 1
        except httpx.HTTPError as error:
            self.faults[f"{method} {path}: {type(error).__name__}"] += 1
        finally:
            took = time.monotonic() - began
            self.seconds.append(took)
            self.slowest = max(self.slowest, (took, path))
        return None

    def quantile(self, share: float) -> float:
        """Returns the seconds within which a share of the calls was answered."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def practise(person: Person, noticed: Noticed, until: float) -> None:
    """Does what a learner's app does, over and over."""
    while time.monotonic() < until:
        body = {"email": person.email, "password": person.password}
        if logged_in := await noticed.call(person, "POST", "/v1/accounts:logIn", body):
            person.token = logged_in["access_token"]
        for method, path, sent in (
            ("GET", "/v1/accounts/me", None),
            ("POST", "/exercises/submit", {"exercise_id": "123", "user_answer": "hable", "time_taken": 8}),
            ("GET", "/v1/sessions?product=exercises", None),
            ("GET", "/v1/standing", None),
            ("GET", "/design/problems?limit=1", None),
            ("GET", "/health", None),
        ):
            await noticed.call(person, method, path, sent)
        # So that all of them together stay under what one address may try.
        await asyncio.sleep(1)


async def prepare(client: httpx.AsyncClient) -> tuple[list[Person], Hostages]:
    """Makes those who practise and those who attack."""
    people = [Person(client) for _ in range(PEOPLE)]
    downloaders = [Person(client) for _ in range(DOWNLOADERS)]
    for person in [*people, *downloaders]:
        await person.sign_up()
    problems = (await people[0].ok("GET", "/design/problems?limit=10"))["problems"][:DIAGRAMS]
    text = uuid.uuid4().hex * (DIAGRAM_BYTES // 32)
    sessions: list[str] = []
    for person in downloaders:
        for problem in problems:
            made = await person.ok("POST", "/design/sessions", {"problem_id": problem["id"]})
            sessions.append(made["id"])
            saved = {"diagram_data": {"elements": [text]}, "time_spent": 1}
            await person.ok("PUT", f"/design/sessions/{made['id']}/autosave", saved)
    # As on a stack that is in use: pages of the database are in memory, and connections open.
    for path in (MINE, EXPORT):
        for read in await asyncio.gather(*(person.send("GET", path) for person in downloaders)):
            read.raise_for_status()
    focus = await downloaders[0].ok("POST", "/focus/api/v1/sessions", {"duration_seconds": 1500})
    tokens = [person.token for person in downloaders]
    return people, Hostages(
        tokens=tokens,
        downloads=tokens,
        focus_session=str(focus["data"]["id"]),
        design_session=sessions[0],
        taken_email=people[0].email,
    )


def attack(name: str, url: str, hostages: Hostages, over: Event, told: Queue[dict[str, int]]) -> None:
    """Attacks until `over` is set, then tells how the attackers were answered."""

    async def run() -> None:
        by = Attack(url, hostages)
        attacking = asyncio.create_task(ATTACKS[name](by))
        await asyncio.to_thread(over.wait)
        attacking.cancel()
        with suppress(asyncio.CancelledError):
            await attacking
        told.put(dict(by.answers))

    asyncio.run(run())


def memory(stack: LocalStack) -> dict[str, float]:
    """Returns the MiB of each process with its children."""
    return {row.name: row.memory_bytes / 2**20 for row in stack.status()}


async def measure_all(stack: LocalStack, names: Sequence[str], seconds: float, table: Table) -> bool:
    """Runs attacks one after another; returns whether the promises held in all of them."""
    async with httpx.AsyncClient(base_url=stack.gateway_url, timeout=60) as client:
        people, hostages = await prepare(client)
        held = []
        for name in names:
            print(f"{time.strftime('%H:%M:%S')} {name}", flush=True)
            before = memory(stack)
            noticed = Noticed()
            async with attacked(name, stack.gateway_url, hostages) as answers:
                until = time.monotonic() + seconds
                await asyncio.gather(*(practise(person, noticed, until) for person in people))
                during = memory(stack)
            sizes = Sizes(before, during, await calm(stack, before))
            held.append(add_line(table, name, noticed, sizes, answers))
    return all(held)


@asynccontextmanager
async def attacked(name: str, url: str, hostages: Hostages) -> AsyncIterator[dict[str, int]]:
    """Attacks from a process of its own while the block runs; then the dict says how it was answered."""
    context = multiprocessing.get_context("spawn")
    over, told = context.Event(), context.Queue()
    attacker = context.Process(target=attack, args=(name, url, hostages, over, told), daemon=True)
    attacker.start()
    answers: dict[str, int] = {}
    try:
        await asyncio.sleep(3)
        yield answers
    finally:
        over.set()
        with suppress(Empty):
            answers.update(await asyncio.to_thread(told.get, True, 30))
        attacker.kill()
        attacker.join()


@dataclass(frozen=True, slots=True)
class Sizes:
    """The MiB of each process before, during and after an attack."""

    before: dict[str, float]
    during: dict[str, float]
    after: dict[str, float]

    def grown(self) -> tuple[str, float]:
        """Returns the process that kept most, and how much."""
        return max(
            ((name, self.after[name] - size) for name, size in self.before.items()), key=lambda it: it[1]
        )

    def hungriest(self) -> str:
        """Returns the process that grew most during the attack, with its sizes."""
        name = max(self.before, key=lambda name: self.during[name] - self.before[name])
        return f"{name} {self.before[name]:.0f} -> {self.during[name]:.0f} -> {self.after[name]:.0f}"


def add_line(table: Table, name: str, noticed: Noticed, sizes: Sizes, answers: dict[str, int]) -> bool:
    """Adds an attack's line; returns whether the promises held."""
    slow, (process, mib) = noticed.quantile(0.99), sizes.grown()
    held = slow < MOST_SECONDS and mib <= MOST_MIB and not noticed.faults
    table.add_row(
        name,
        str(len(noticed.seconds)),
        f"{noticed.quantile(0.5):.3f}",
        f"{slow:.3f}",
        f"{noticed.slowest[0]:.3f} {noticed.slowest[1].partition('?')[0]}",
        counted(noticed.faults.most_common(3)) or "none",
        sizes.hungriest(),
        f"{process} {mib:+.0f}",
        counted(sorted(answers.items())) or "they had to be killed",
        "yes" if held else "NO",
    )
    return held


def counted(numbers: Iterable[tuple[str, int]]) -> str:
    """Returns what was counted as a text, such as `200 x5, 429 x600`."""
    return ", ".join(f"{what} x{number}" for what, number in numbers)


async def calm(stack: LocalStack, before: dict[str, float]) -> dict[str, float]:
    """Returns the memory once it is back, or what it is when the calm has lasted."""
    until = time.monotonic() + CALM_SECONDS
    while True:
        now = memory(stack)
        if all(now[each] - before[each] <= MOST_MIB for each in before) or time.monotonic() > until:
            return now
        await asyncio.sleep(1)


def main() -> None:
    """Attacks a stack of its own and prints what others noticed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each attack is watched")
    parser.add_argument("--attack", action="append", choices=list(ATTACKS), help="only this one; repeatable")
    chosen = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 220)
    table = Table("attack", "calls of others", "p50 s", "p99 s", "slowest s", "faults")
    for heading in (
        "MiB of the hungriest before, during, after",
        "grown most, MiB",
        "attackers' answers",
        "held",
    ):
        table.add_column(heading)
    with tempfile.TemporaryDirectory(prefix="practice-hostile-") as home:
        stack = LocalStack(Path(home), free_ports())
        try:
            stack.up()
            names = chosen.attack or list(ATTACKS)
            console.print(f"attacking {stack.gateway_url} in {len(names)} ways, a minute each")
            held = asyncio.run(measure_all(stack, names, chosen.seconds, table))
        finally:
            stack.down()
    console.print(table)
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
