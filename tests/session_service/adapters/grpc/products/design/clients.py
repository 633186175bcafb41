"""A learner's calls to the design product, as JSON goes in and out."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any, TypeAlias

from google.api.httpbody_pb2 import HttpBody
from practice.products.design.v1 import design_sessions_service_pb2 as pb
from practice.products.design.v1 import design_sessions_service_pb2_grpc as rpc

from tests.session_service.adapters.grpc.products.shown import refused
from tests.session_service.clients import Metadata

Design: TypeAlias = "rpc.DesignSessionsServiceAsyncStub"

DRAWN = {"elements": [{"type": "rectangle", "x": 100}], "appState": {}}


class InPieces:
    """A call whose answer comes in pieces, awaited as one that comes at once."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self.initial_metadata = call.initial_metadata

    def __await__(self) -> Generator[Any, None, HttpBody]:
        return self._joined().__await__()

    async def _joined(self) -> HttpBody:
        pieces = [piece async for piece in self._call]
        return HttpBody(content_type=pieces[0].content_type, data=b"".join(piece.data for piece in pieces))


class Client:
    """Calls the product as one learner; `body` is raw JSON, or a value to write as JSON."""

    def __init__(self, stub: Design, metadata: Metadata, email: str) -> None:
        self.stub = stub
        self.metadata = metadata
        self.email = email

    def with_metadata(self, **metadata: str) -> Client:
        """Returns the same learner sending more metadata; `_` stands for `-`."""
        more = tuple((name.replace("_", "-"), value) for name, value in metadata.items())
        return Client(self.stub, (*self.metadata, *more), self.email)

    def call(self, method: str, body: Any = None, **fields: Any) -> Any:
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            fields["body"] = HttpBody(content_type="application/json", data=data)
        request = getattr(pb, f"{method}Request")(**fields)
        call = getattr(self.stub, method)(request, metadata=self.metadata)
        return InPieces(call) if method == "ListMySessions" else call

    async def text(self, method: str, body: Any = None, **fields: Any) -> tuple[int, str]:
        """Returns the status and the JSON text of a call that succeeds."""
        call = self.call(method, body, **fields)
        metadata = dict(await call.initial_metadata())
        answer = await call
        status = int(metadata.get("x-practice-status", 200))
        if not isinstance(answer, HttpBody):
            return status, ""
        assert answer.content_type.startswith("application/json")
        return status, answer.data.decode()

    async def ok(self, method: str, body: Any = None, *, status: int = 200, **fields: Any) -> Any:
        """Returns the JSON of a call that must answer `status`."""
        answered, text = await self.text(method, body, **fields)
        assert answered == status
        return json.loads(text) if text else None

    async def refused(self, method: str, body: Any = None, **fields: Any) -> tuple[int, Any]:
        """Returns the status and JSON of a call that must be refused."""
        return await refused(self.call(method, body, **fields))

    async def outcome(self, method: str, body: Any = None, **fields: Any) -> int:
        """Returns the status of a call, however it ends."""
        try:
            return (await self.text(method, body, **fields))[0]
        except Exception as error:
            trailing = dict(error.trailing_metadata())  # type: ignore[attr-defined]
            return int(trailing["x-practice-status"])

    async def open(self, problem: str) -> dict[str, Any]:
        """Opens a session."""
        session: dict[str, Any] = await self.ok("OpenSession", problem_id=problem, status=201)
        return session

    async def save(self, session_id: str, diagram: Any = None, time_spent: int = 1) -> Any:
        """Saves a diagram."""
        body = {"diagram_data": DRAWN if diagram is None else diagram, "time_spent": time_spent}
        return await self.ok("AutosaveSession", body, session_id=session_id)

    async def submit(self, session_id: str) -> Any:
        """Hands a session in and returns the submission."""
        return (await self.ok("SubmitSession", session_id=session_id, status=201))["submission"]
