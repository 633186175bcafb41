"""Listeners to sessions of the portal, a few of which answer at a time."""

from __future__ import annotations

import asyncio
import time

from benchmarks.load.http import Connection
from benchmarks.load.plan import Plan
from benchmarks.load.scenarios import Scenario
from benchmarks.load.websocket import Listener

WORDS = 20
_WORD = {"item_id": "en-hello", "answer": "hola", "time_taken": 3.5}
# So many connections open the sessions, and answer in them.
_CONNECTIONS = 16
_EVENT = b'"progress_update"'
_PATIENCE_SECONDS = 30.0


class Listeners(Scenario):
    """Each learner listens to a session of their own; answers come at a rate, to one session after the other.

    An operation is from sending an answer until its listener has the event.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._listeners: dict[int, Listener] = {}
        self._sessions: dict[int, str] = {}
        # Of each learner: the moment at which the next event comes.
        self._heard: dict[int, asyncio.Future[float]] = {}

    async def prepare(self) -> None:
        """Starts the sessions and listens to them."""
        host, _, port = self.plan.addresses[0].partition(":")
        opening = (Connection.open(host, int(port)) for _ in range(_CONNECTIONS))
        self.connections = list(await asyncio.gather(*opening))
        await asyncio.gather(*(self._open(host, int(port), place) for place in range(_CONNECTIONS)))

    async def _open(self, host: str, port: int, place: int) -> None:
        body = {"activity_id": 123, "settings": {"word_count": WORDS}}
        for number in self._of(place):
            started = await self.ask(number, "POST", "/portal/api/v1/sessions/start", body)
            path = f"/portal/ws/sessions/{started['session_id']}"
            self._sessions[number] = started["session_id"]
            # What the session is like at first is told like a change.
            present = self._expect(number)
            token = self.plan.tokens[number]
            self._listeners[number] = await Listener.open(
                host, port, path, token, lambda event, number=number: self._hear(number, event)
            )
            await present

    async def play(self) -> None:
        """Lets each connection answer for its learners, one after the other."""
        await asyncio.gather(*(self._answer(place) for place in range(_CONNECTIONS)))

    async def _answer(self, place: int) -> None:
        interval = _CONNECTIONS / self.plan.options["rate"]
        following = time.perf_counter() + interval * place / _CONNECTIONS
        numbers = self._of(place)
        for sent in range(int(self.plan.seconds / interval)):
            await asyncio.sleep(max(0.0, following - time.perf_counter()))
            number = numbers[sent % len(numbers)]
            path = f"/portal/api/v1/sessions/{self._sessions[number]}/progress"
            heard = self._expect(number)
            began = time.perf_counter()
            await self.ask(number, "POST", path, _WORD)
            self.tally.latencies.append(await asyncio.wait_for(heard, _PATIENCE_SECONDS) - began)
            following += interval

    async def close(self) -> None:
        """Counts whoever was lost, and closes everything."""
        lost = sum(listener.lost for listener in self._listeners.values())
        if lost:
            self.tally.faults["lost listeners"] += lost
        self.tally.made += list(self._sessions.values())
        for listener in self._listeners.values():
            listener.close()
        await super().close()

    def _of(self, place: int) -> range:
        return range(place, len(self.plan.tokens), _CONNECTIONS)

    def _expect(self, number: int) -> asyncio.Future[float]:
        heard = self._heard[number] = asyncio.get_running_loop().create_future()
        return heard

    def _hear(self, number: int, event: bytes) -> None:
        if _EVENT in event and not self._heard[number].done():
            self._heard[number].set_result(time.perf_counter())
