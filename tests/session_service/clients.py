"""A learner's calls, short enough to read."""

from __future__ import annotations

from typing import Any

from google.protobuf.duration_pb2 import Duration
from practice.session.v1 import practice_session_pb2 as session_pb
from practice.session.v1 import session_service_pb2 as pb
from practice.session.v1 import session_service_pb2_grpc as rpc

Metadata = tuple[tuple[str, str], ...]


class Learner:
    """Calls the canonical API as one learner. Keyword arguments are the request's fields."""

    def __init__(self, sessions: rpc.SessionServiceAsyncStub, metadata: Metadata) -> None:
        self.sessions = sessions
        self.metadata = metadata

    def with_metadata(self, **metadata: str) -> Learner:
        """Returns the same learner sending more metadata; `_` stands for `-`."""
        more = tuple((name.replace("_", "-"), value) for name, value in metadata.items())
        return Learner(self.sessions, (*self.metadata, *more))

    def call(self, method: str, **fields: Any) -> Any:
        """Calls any method by its name."""
        request = getattr(pb, f"{method}Request")(**fields)
        return getattr(self.sessions, method)(request, metadata=self.metadata)

    async def start(self, product: str = "exercises", **fields: Any) -> session_pb.PracticeSession:
        """Starts a session."""
        if product == "focus":
            fields = {"planned_duration": Duration(seconds=1500), **fields}
        response = await self.call("StartSession", product=product, **fields)
        return response.session

    async def answer(self, name: str, *texts: str, **fields: Any) -> pb.SubmitAnswersResponse:
        """Answers exercise 123."""
        answers = [session_pb.Answer(item="exercises/123", text=text) for text in texts]
        response: pb.SubmitAnswersResponse = await self.call(
            "SubmitAnswers", name=name, answers=answers, **fields
        )
        return response


def elapsed(seconds: int, nanos: int = 0) -> Duration:
    """Returns a duration."""
    return Duration(seconds=seconds, nanos=nanos)
