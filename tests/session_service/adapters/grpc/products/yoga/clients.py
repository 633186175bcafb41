"""A learner's calls to yoga, as JSON comes out."""

from __future__ import annotations

from typing import Any, TypeAlias

from practice.products.yoga.v1 import yoga_service_pb2 as pb
from practice.products.yoga.v1 import yoga_service_pb2_grpc as rpc

from tests.session_service.adapters.grpc.products.shown import refused, shown
from tests.session_service.clients import Metadata

Yoga: TypeAlias = "rpc.YogaServiceAsyncStub"

NOT_FOUND = (404, {"detail": "Session not found"})
FOREIGN = (403, {"detail": "Not authorized to access this session"})


def ended_already(word: str) -> tuple[int, Any]:
    """Returns how a change of an ended session is refused."""
    return 409, {"detail": f"The session is already {word}"}


class Client:
    """Calls yoga as one learner; keyword arguments are the request's members."""

    def __init__(self, stub: Yoga, metadata: Metadata) -> None:
        self.stub = stub
        self.metadata = metadata

    def with_metadata(self, **metadata: str) -> Client:
        """Returns the same learner sending more metadata; `_` stands for `-`."""
        more = tuple((name.replace("_", "-"), value) for name, value in metadata.items())
        return Client(self.stub, (*self.metadata, *more))

    def call(self, method: str, **fields: Any) -> Any:
        request = getattr(pb, f"{method}Request")(**fields)
        return getattr(self.stub, method)(request, metadata=self.metadata)

    async def ok(self, method: str, *, status: int = 200, **fields: Any) -> Any:
        """Returns the JSON of a call that must answer `status`."""
        told, body = await shown(self.call(method, **fields))
        assert told == status
        return body

    async def refused(self, method: str, **fields: Any) -> tuple[int, Any]:
        """Returns the status and JSON of a call that must be refused."""
        return await refused(self.call(method, **fields))

    async def start(self, **fields: Any) -> int:
        """Starts a session and returns its number."""
        return int((await self.ok("StartSession", status=201, **fields))["session_id"])

    async def complete(self, session_id: int, seconds: int = 900, word: str = "completed") -> Any:
        """Ends a session."""
        return await self.ok(
            "CompleteSession",
            session_id=session_id,
            duration_seconds=seconds,
            poses_completed=10,
            completion_status=word,
        )

    async def practise(self, seconds: int = 900, word: str = "completed") -> Any:
        """Starts and ends a session."""
        return await self.complete(await self.start(), seconds, word)
