"""What happens to a session, live: nothing is lost and nothing comes twice over reconnects."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.local.stack import LocalStack
from tests.clients.network import Network
from tests.clients.python.asking import Ask
from tests.clients.python.scripted import BREAK, Answer, scripted
from tests.stack import Learner
from tests.waiting import eventually

EVENTS, LINES = {"content-type": "text/event-stream"}, {"content-type": "application/x-ndjson"}


def change(cursor: int, kind: str, state: str = "STATE_ACTIVE") -> dict[str, Any]:
    counts = ("answer_count", "correct_answer_count", "item_count", "answered_item_count", "right_run")
    told = dict.fromkeys((*counts, "mastered_item_count"), 0)
    return {"kind": kind, "cursor": str(cursor), "state": state, **told}


def event(cursor: int, kind: str, state: str = "STATE_ACTIVE") -> bytes:
    return f"id: {cursor}\ndata: {json.dumps(change(cursor, kind, state))}\n\n".encode()


def line(cursor: int, kind: str, state: str = "STATE_ACTIVE") -> bytes:
    return json.dumps(change(cursor, kind, state)).encode() + b"\n"


def watch(practice: Any) -> Any:
    return practice.v1.watch_session("sessions/12")


def test_events_go_on_after_the_last_one_that_came(ask: Ask) -> None:
    snapshot, answered = event(1, "KIND_SNAPSHOT"), event(2, "KIND_ANSWERED")
    # In pieces, with a comment, other line ends, and half an event before the connection breaks.
    first = (
        b": hello\n\n" + snapshot[:9],
        snapshot[9:] + answered.replace(b"\n", b"\r\n"),
        b"id: 3\ndata: {",
    )
    rest = (event(3, "KIND_PAUSED"), event(4, "KIND_ENDED", "STATE_COMPLETED"))
    with scripted(
        Answer(headers=EVENTS, parts=first), BREAK, Answer(headers=EVENTS, parts=rest, ends=True)
    ) as server:
        told = ask(server.url, watch)
    assert [each.cursor for each in told] == [1, 2, 3, 4]
    assert [each.headers.get("last-event-id") for each in server.received] == [None, "2", "2"]
    assert server.received[0].path == "/v1/sessions/12:watch"
    assert server.received[0].headers["accept"].startswith("text/event-stream")


def test_the_event_end_of_a_session_ends_and_that_of_a_token_asks_again(ask: Ask, client: Any) -> None:
    ended = b'event: end\ndata: {"reason": "%s", "message": "over"}\n\n'
    token, session = ended % b"TOKEN_INVALID", ended % b"SESSION_ENDED"
    first = (b"retry: 2000\n\n", event(1, "KIND_SNAPSHOT"), token)
    with scripted(
        Answer(headers=EVENTS, parts=first, ends=True), Answer(headers=EVENTS, parts=(session,), ends=True)
    ) as server:
        told = ask(server.url, watch)
    assert [each.cursor for each in told] == [1]
    assert [each.headers.get("last-event-id") for each in server.received] == [None, "1"]


def test_lines_go_on_after_their_cursor(ask: Ask) -> None:
    first = (line(1, "KIND_SNAPSHOT"), line(2, "KIND_ANSWERED")[:7])
    rest = (line(2, "KIND_ANSWERED"), line(3, "KIND_ENDED", "STATE_ABANDONED"))
    with scripted(Answer(headers=LINES, parts=first), Answer(headers=LINES, parts=rest, ends=True)) as server:
        told = ask(server.url, watch)
    assert [each.cursor for each in told] == [1, 2, 3]
    assert [each.path.partition("?")[2] for each in server.received] == ["", "cursor=1"]


def test_a_stream_that_is_refused_raises(ask: Ask, client: Any) -> None:
    missing = Answer(404, {"error": {"message": "none"}}, {"x-practice-reason": "SESSION_NOT_FOUND"})
    with scripted(missing) as server, pytest.raises(client.ApiError) as refused:
        ask(server.url, watch)
    assert refused.value.reason == "SESSION_NOT_FOUND"
    assert len(server.received) == 1


def test_a_stream_without_a_word_is_over(ask: Ask) -> None:
    silent = Answer(headers=EVENTS, parts=(b": nothing\n\n",), ends=True)
    with scripted(silent) as server:
        assert ask(server.url, watch) == []
    assert len(server.received) == 3


@pytest.fixture
def network(stack: LocalStack) -> Iterator[Network]:
    network = Network(stack.gateway_url)
    yield network
    network.go()


def test_a_session_is_followed_over_a_network_that_goes_away(
    ask: Ask, client: Any, network: Network, learner: Learner
) -> None:
    name = learner.ok("POST", "/v1/sessions", {"product": "exercises"})["session"]["name"]
    told: list[Any] = []

    def follow() -> None:
        def step(practice: Any) -> Any:
            stream = practice.v1.watch_session(name)
            return _append_async(stream, told) if hasattr(stream, "__anext__") else _append(stream, told)

        tokens = client.Tokens(learner.tokens["access_token"])
        ask(network.url, step, tokens=tokens, retries=client.Retries(first_seconds=0.05, longest_seconds=0.2))

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    eventually(lambda: len(told) == 1)
    answer = {"answers": [{"item": "exercises/123", "text": "hable"}]}
    learner.ok("POST", f"/v1/{name}:submitAnswers", answer)
    eventually(lambda: len(told) == 2)
    network.go()
    learner.ok("POST", f"/v1/{name}:submitAnswers", answer)
    learner.ok("POST", f"/v1/{name}:pause", {})
    network.come()
    eventually(lambda: len(told) == 4)
    learner.ok("POST", f"/v1/{name}:complete", {})
    eventually(lambda: not follower.is_alive())
    kinds = ["SNAPSHOT", "ANSWERED", "ANSWERED", "PAUSED", "ENDED"]
    assert [each.kind.removeprefix("KIND_") for each in told] == kinds
    assert [each.answer_count for each in told] == [0, 1, 2, 2, 2]
    cursors = [each.cursor for each in told]
    assert cursors == sorted(set(cursors))


def _append(stream: Any, told: list[Any]) -> None:
    for each in stream:
        told.append(each)


async def _append_async(stream: Any, told: list[Any]) -> None:
    async for each in stream:
        told.append(each)
