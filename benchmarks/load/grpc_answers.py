"""Answers by gRPC, straight at the processes of the session service."""

from __future__ import annotations

import asyncio

from practice.session.v1 import session_service_pb2 as pb2
from practice.session.v1.practice_session_pb2 import Answer

from benchmarks.load.grpc import GrpcConnection
from benchmarks.load.plan import Plan
from benchmarks.load.scenarios import Scenario

METHOD = "/practice.session.v1.SessionService/SubmitAnswers"


class GrpcAnswers(Scenario):
    """So many calls at once, each of a learner of their own, over a connection to each process."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._processes: list[GrpcConnection] = []
        self._calls: dict[int, tuple[GrpcConnection, bytes, bytes]] = {}

    async def prepare(self) -> None:
        """Connects. The sessions are there already."""
        for address in self.plan.addresses:
            host, _, port = address.partition(":")
            self._processes.append(await GrpcConnection.open(host, int(port), METHOD))
        sessions, batch = self.plan.options["sessions"], self.plan.options["batch"]
        for number, (token, session) in enumerate(zip(self.plan.tokens, sessions, strict=True)):
            connection = self._processes[number % len(self._processes)]
            # Without ids, as a client that does not repeat itself: the service makes them.
            answers = [Answer(item="exercises/123", text="hable") for _ in range(batch)]
            message = pb2.SubmitAnswersRequest(name=f"sessions/{session}", answers=answers)
            self._calls[number] = (connection, connection.metadata(token), message.SerializeToString())

    async def play(self) -> None:
        """Lets everybody play."""
        await asyncio.gather(*(self._play(number) for number in self._calls))

    async def once(self, number: int) -> bool:
        """Answers."""
        connection, headers, message = self._calls[number]
        return len(await connection.call(headers, message)) > 0

    async def close(self) -> None:
        """Closes the connections."""
        for connection in self._processes:
            connection.close()
