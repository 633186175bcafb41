"""What learners do, over and over, each on a connection of their own."""

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.load.http import Connection
from benchmarks.load.plan import Plan, Tally

ANSWERS_OF_A_SESSION = 10
RIGHT, WRONG = b'"is_correct":true', b'"is_correct":false'


class Scenario:
    """Opens a connection for each learner and lets all of them play until the time is over, at least once.

    They go on without a pause, or begin so many operations a second together as the option `rate` says.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.tally = Tally()
        self.until = 0.0
        self.connections: list[Connection] = []

    async def prepare(self) -> None:
        """Opens connections and does what comes before the first operation."""
        for number in range(len(self.plan.tokens)):
            host, _, port = self.plan.addresses[number % len(self.plan.addresses)].partition(":")
            self.connections.append(await Connection.open(host, int(port)))
        await asyncio.gather(*(self.begin(number) for number in range(len(self.connections))))

    async def begin(self, number: int) -> None:
        """Prepares one learner."""

    async def play(self) -> None:
        """Lets everybody play."""
        await asyncio.gather(*(self._play(number) for number in range(len(self.connections))))

    async def once(self, number: int) -> bool:
        """Does one operation of a learner; returns whether it was answered well."""
        raise NotImplementedError

    async def close(self) -> None:
        """Closes all connections."""
        for connection in self.connections:
            connection.close()

    async def ask(self, number: int, method: str, path: str, body: Any = None) -> Any:
        """Returns the JSON of an answer. Raises ConnectionError when it is no success."""
        connection = self.connections[number % len(self.connections)]
        request = connection.prepare(method, path, self.plan.tokens[number], body)
        status, answer = await connection.send(request)
        if not 200 <= status < 300:
            raise ConnectionError(f"{method} {path}: {status} {answer[:200]!r}")
        return json.loads(answer)

    async def _play(self, number: int) -> None:
        clock = time.perf_counter
        rate = self.plan.options.get("rate")
        interval = len(self.connections) / rate if rate else 0.0
        due = clock() + interval * random.random()
        while True:
            if interval:
                await asyncio.sleep(max(0.0, due - clock()))
                due += interval
            began = clock()
            try:
                good = await self.once(number)
            except OSError as error:
                self.tally.faults[str(error)] += 1
                return
            ended = clock()
            if good:
                self.tally.latencies.append(ended - began)
            else:
                self.tally.faults["answered otherwise"] += 1
            if ended >= self.until:
                return


class Answers(Scenario):
    """Each learner answers in one session; every third answer is wrong."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._requests: dict[int, list[bytes]] = {}
        self._sent: dict[int, int] = {}

    async def begin(self, number: int) -> None:
        """Starts the session."""
        started = await self.ask(number, "POST", "/exercises/session/start", {"session_type": "practice"})
        session_id = started["session_id"]
        self.tally.made.append(session_id)
        self._requests[number] = answers_in(self.connections[number], self.plan.tokens[number], session_id)
        self._sent[number] = 0

    async def once(self, number: int) -> bool:
        """Answers."""
        sent = self._sent[number]
        self._sent[number] = sent + 1
        status, body = await self.connections[number].send(self._requests[number][sent % 3])
        return status == 200 and (WRONG if sent % 3 == 2 else RIGHT) in body


class Sessions(Scenario):
    """Each learner starts a session, answers ten times and ends it; that is one operation."""

    async def once(self, number: int) -> bool:
        """Practises one session."""
        connection, token = self.connections[number], self.plan.tokens[number]
        started = await self.ask(number, "POST", "/exercises/session/start", {"session_type": "practice"})
        session_id = started["session_id"]
        requests = answers_in(connection, token, session_id)
        for sent in range(ANSWERS_OF_A_SESSION):
            status, body = await connection.send(requests[sent % 3])
            if status != 200 or (WRONG if sent % 3 == 2 else RIGHT) not in body:
                return False
        ended = await self.ask(number, "POST", "/exercises/session/end", {"session_id": session_id})
        self.tally.made.append(session_id)
        right = ANSWERS_OF_A_SESSION - ANSWERS_OF_A_SESSION // 3
        return bool((ended["total_exercises"], ended["correct_answers"]) == (ANSWERS_OF_A_SESSION, right))


class Completions(Scenario):
    """Sessions are completed at a rate; an operation ends when statistics include the completion."""

    async def play(self) -> None:
        """Lets everybody begin at another moment of the first interval."""
        await asyncio.gather(*(self._in_time(number) for number in range(len(self.connections))))

    async def _in_time(self, number: int) -> None:
        interval = len(self.connections) / self.plan.options["rate"]
        following = time.perf_counter() + interval * random.random()
        while following < self.until:
            name = (await self.ask(number, "POST", "/v1/sessions", {"product": "exercises"}))["session"][
                "name"
            ]
            answer = {"exercise_id": "123", "user_answer": "hable", "session_id": int(name.split("/")[1])}
            await self.ask(number, "POST", "/exercises/submit", answer)
            await asyncio.sleep(max(0.0, following - time.perf_counter()))
            began = time.perf_counter()
            ended = await self.ask(number, "POST", f"/v1/{name}:complete", {})
            pending, seq = ended["statistics_pending"], ended["user_seq"]
            while pending:
                path = f"/v1/standing?product=exercises&min_user_seq={seq}"
                pending = (await self.ask(number, "GET", path))["pending"]
            self.tally.latencies.append(time.perf_counter() - began)
            following += interval


class Syncs(Scenario):
    """Each learner sends sessions that were made offline, a thousand at a time."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._bodies: dict[int, list[bytes]] = {}

    async def begin(self, number: int) -> None:
        """Makes what is sent, ahead of time."""
        items, batches = self.plan.options["items"], self.plan.options["batches"]
        connection, token = self.connections[number], self.plan.tokens[number]
        self._bodies[number] = [
            connection.prepare("POST", "/v1/sessions:sync", token, offline(items)) for _ in range(batches)
        ]

    async def _play(self, number: int) -> None:
        for request in self._bodies[number]:
            began = time.perf_counter()
            status, body = await self.connections[number].send(request)
            merged = body.count(b"OUTCOME_MERGED")
            if status != 200 or merged != self.plan.options["items"]:
                self.tally.faults[f"{status}: {merged} merged, {body[:200]!r}"] += 1
            self.tally.latencies.append(time.perf_counter() - began)


class Autosaves(Scenario):
    """Each learner saves a diagram of 100 KB, which changes each time or never."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._paths: dict[int, str] = {}
        # How often each learner saved; it is the time they say they worked.
        self._saved: dict[int, int] = {}

    async def begin(self, number: int) -> None:
        """Begins a session and saves the diagram for the first time."""
        body = {"problem_id": self.plan.options["problem_id"]}
        started = await self.ask(number, "POST", "/design/sessions/", body)
        self._paths[number], self._saved[number] = f"/design/sessions/{started['id']}/autosave", 0
        if not await self.once(number):
            raise ConnectionError("the first diagram was not saved")

    async def once(self, number: int) -> bool:
        """Saves."""
        connection, token = self.connections[number], self.plan.tokens[number]
        self._saved[number] += 1
        body = diagram(self._version(number), seconds=self._saved[number])
        status, _ = await connection.send(connection.prepare("PUT", self._paths[number], token, body))
        return status == 200

    async def close(self) -> None:
        """Tells which diagram each learner saved last."""
        self.tally.made += [self._version(number) for number in sorted(self._saved)]
        await super().close()

    def _version(self, number: int) -> int:
        return self._saved[number] if self.plan.options["changes"] else 0


class Pages(Scenario):
    """Pages one after the other, from an offset on and over again: what is cached is not asked for."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._asked = 0

    async def once(self, number: int) -> bool:
        """Asks for the next page."""
        first, pages = self.plan.options["first"], self.plan.options["pages"]
        path = f"{self.plan.options['path']}&offset={first + self._asked % pages}"
        self._asked += 1
        connection = self.connections[number]
        status, answer = await connection.send(connection.prepare("GET", path, self.plan.tokens[number]))
        return status == 200 and self.plan.options["contains"].encode() in answer


def answers_in(connection: Connection, token: str, session_id: int) -> list[bytes]:
    """Returns two right answers and a wrong one as requests."""
    told = {"session_id": session_id, "exercise_id": "123", "time_taken": 8}
    return [
        connection.prepare("POST", "/exercises/submit", token, {**told, "user_answer": text})
        for text in ("hable", "hable", "habla")
    ]


def offline(items: int) -> bytes:
    """Returns the body of a sync with so many sessions of the last days."""
    now = datetime.now(UTC).replace(microsecond=0)
    sessions = []
    for number in range(items):
        ended = now - timedelta(minutes=10 + 15 * number)
        sessions.append(
            {
                "client_id": uuid7(ended),
                "product": "exercises",
                "start_time": (ended - timedelta(minutes=10)).isoformat(),
                "end_time": ended.isoformat(),
                "time_zone": "Europe/Madrid",
                "outcome": "completed",
            }
        )
    return json.dumps({"items": [{"session": each} for each in sessions]}).encode()


def uuid7(made: datetime) -> str:
    """Returns a UUIDv7 made at an instant."""
    noise = uuid.uuid4().int & ((1 << 76) - 1)
    number = int(made.timestamp() * 1000) << 80 | 0x7 << 76 | noise
    return str(uuid.UUID(int=number & ~(0b11 << 62) | 0b10 << 62))


_ELEMENT = (
    '{"id":"element-%d","type":"rectangle","x":%d,"y":100,"width":200,"height":100,"angle":0,"strokeColor":'
    '"#1e1e1e","backgroundColor":"transparent","seed":1968410350,"groupIds":[],"text":"cache, queue"}'
)
# Of a diagram of 100 KB.
ELEMENTS = 480
_ELEMENTS = ",".join(_ELEMENT % (number, number) for number in range(1, ELEMENTS))


def diagram(version: int, seconds: int) -> bytes:
    """Returns the body of an autosave; another version is another diagram."""
    first = _ELEMENT % (0, version)
    data = f'{{"elements":[{first},{_ELEMENTS}],"appState":{{"viewBackgroundColor":"#ffffff"}}}}'
    return f'{{"diagram_data":{data},"time_spent":{seconds}}}'.encode()


SCENARIOS: dict[str, type[Scenario]] = {
    "answers": Answers,
    "sessions": Sessions,
    "completions": Completions,
    "syncs": Syncs,
    "autosaves": Autosaves,
    "pages": Pages,
}
