"""A learner's calls to the portal, as JSON goes in and out."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

from google.api.httpbody_pb2 import HttpBody
from practice.products.portal.v1 import portal_service_pb2 as pb
from practice.products.portal.v1 import portal_service_pb2_grpc as rpc

from tests.session_service.adapters.grpc.products.shown import refused, shown
from tests.session_service.clients import Metadata

Portal: TypeAlias = "rpc.PortalServiceAsyncStub"


class Client:
    """Calls the portal as one learner; keyword arguments are the request's members."""

    def __init__(self, stub: Portal, metadata: Metadata) -> None:
        self.stub = stub
        self.metadata = metadata

    def with_metadata(self, **metadata: str) -> Client:
        """Returns the same learner sending more metadata; `_` stands for `-`."""
        more = tuple((name.replace("_", "-"), value) for name, value in metadata.items())
        return Client(self.stub, (*self.metadata, *more))

    def call(self, method: str, **fields: Any) -> Any:
        if method == "StartSession":
            return self.start_with(json.dumps(fields).encode())
        request = getattr(pb, f"{method}Request")(**fields)
        return getattr(self.stub, method)(request, metadata=self.metadata)

    def start_with(self, body: bytes) -> Any:
        """Sends a start as it is."""
        request = pb.StartSessionRequest(body=HttpBody(data=body))
        return self.stub.StartSession(request, metadata=self.metadata)

    async def ok(self, method: str, **fields: Any) -> Any:
        """Returns the JSON of a call that must answer 200."""
        status, body = await shown(self.call(method, **fields))
        assert status == 200
        return body

    async def refused(self, method: str, **fields: Any) -> tuple[int, Any]:
        """Returns the status and JSON of a call that must be refused."""
        return await refused(self.call(method, **fields))

    async def start(self, activity_id: int = 123, **settings: Any) -> str:
        """Starts a session and returns its id."""
        body = await self.ok("StartSession", activity_id=activity_id, settings=settings)
        return str(body["session_id"])

    async def answer(self, session_id: str, item_id: str, text: str = "no", **fields: Any) -> Any:
        """Answers a word."""
        return await self.ok("UpdateProgress", session_id=session_id, item_id=item_id, answer=text, **fields)

    async def right(self, session_id: str, word: str, **fields: Any) -> Any:
        """Answers one of the numbered words right."""
        return await self.answer(session_id, word, f"a {word}", **fields)

    async def complete(self, session_id: str) -> Any:
        return await self.ok("CompleteSession", session_id=session_id)

    async def history(self, **fields: Any) -> Any:
        return await self.ok("ListHistory", **fields)

    async def details(self, session_id: str) -> Any:
        return await self.ok("GetSession", session_id=session_id)
