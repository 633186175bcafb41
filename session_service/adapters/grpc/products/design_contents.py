"""What raw bodies ask for, however they are spelled: to tell a repeat from another request."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from google.protobuf.message import Message
from practice.products.design.v1 import design_sessions_service_pb2 as pb2

from service_kit.errors import ServiceError
from session_service.adapters.grpc.products import design_bodies as bodies
from session_service.domain.drafts import content_hash

_SERVICE = "/practice.products.design.v1.DesignSessionsService"


def _autosave(request: pb2.AutosaveSessionRequest) -> dict[str, Any]:
    body = bodies.autosave(request.body.data)
    return {"diagram": content_hash(body.diagram), "time_spent": body.time_spent}


def _new_submission(request: pb2.CreateSubmissionRequest) -> dict[str, Any]:
    body = bodies.new_submission(request.body.data)
    return {**asdict(body), "diagram": content_hash(body.diagram)}


def _submission_changes(request: pb2.UpdateSubmissionRequest) -> dict[str, Any]:
    changes = bodies.submission_changes(request.body.data)
    if "document" in changes:
        changes["document"] = content_hash(changes["document"])
    return changes


def _reader(members: Callable[[Any], dict[str, Any]]) -> Callable[[Any], bytes]:
    def read(request: Any) -> bytes:
        try:
            content = json.dumps(members(request), sort_keys=True)
        except ServiceError:
            # It will be refused, and refusals leave no key.
            return _bytes(request)
        bare = type(request)()
        bare.CopyFrom(request)
        bare.body.data = content.encode()
        bare.body.content_type = ""
        return _bytes(bare)

    return read


def _bytes(request: Message) -> bytes:
    return request.SerializeToString(deterministic=True)


READERS = {
    f"{_SERVICE}/AutosaveSession": _reader(_autosave),
    f"{_SERVICE}/CreateSubmission": _reader(_new_submission),
    f"{_SERVICE}/UpdateSubmission": _reader(_submission_changes),
}
