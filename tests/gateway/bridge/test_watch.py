"""A watch that has ended is not begun again."""

from __future__ import annotations

import grpc
import pytest
from practice.products.portal.v1.portal_service_pb2 import LiveUpdate

from gateway.bridge.watch import Listener, Watch, WatchRefusedError
from tests.waiting import until


class Counted:
    """Counts how often it is asked for each watch."""

    def __init__(self) -> None:
        self.begun: list[Watch] = []

    def begin(self, watch: Watch) -> None:
        self.begun.append(watch)

    def take(self, watch: Watch, more: int) -> None:
        """Has as much as is taken."""

    def leave(self, watch: Watch) -> None:
        """Has nothing to stop."""


async def opened(upstream: Counted) -> Watch:
    watch = Watch(upstream, Listener("7", "token", ""))
    watch.hear(LiveUpdate(cursor=1))
    await watch.open()
    return watch


async def test_a_watch_whose_end_was_told_is_not_begun_again_when_its_stream_says_so_too() -> None:
    upstream = Counted()
    ended, broken = await opened(upstream), await opened(upstream)
    ended.hear(LiveUpdate(cursor=2, ended=True))
    assert [update.cursor async for update in ended.updates()] == [2]
    ended.refuse(grpc.StatusCode.UNAVAILABLE)
    # Waits longer than the other would: for the second time from the first on.
    broken.refuse(grpc.StatusCode.UNAVAILABLE)
    await until(lambda: upstream.begun.count(broken) == 2)
    broken.refuse(grpc.StatusCode.UNAVAILABLE)
    await until(lambda: upstream.begun.count(broken) == 3)
    assert upstream.begun.count(ended) == 1


async def test_a_watch_that_was_refused_for_good_is_told_so_once() -> None:
    watch = await opened(Counted())
    watch.refuse(grpc.StatusCode.NOT_FOUND)
    watch.refuse(grpc.StatusCode.UNAVAILABLE)
    with pytest.raises(WatchRefusedError, match="NOT_FOUND"):
        await anext(watch.updates())
