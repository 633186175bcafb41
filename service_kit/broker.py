"""The task queue between services: names both sides know, and bounded clients.

Celery on Redis is a transport that may lose everything it accepted, so
nothing is done until the consumer's database says so, and a publish that
fails is no disaster: it fails within two seconds and is tried again later by
whoever keeps the record. A producer needs no code of the consumer:

    queue = TaskQueue(redis.execute_command, COMPLETIONS_QUEUE, "session")
    await queue.send(COMPLETIONS_TASK, [payloads], {})

That is for processes with an event loop, which send and do nothing else; with
`open_broker` whoever has Celery sends and takes.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from celery import Celery

# Takes one argument: a list of practice.events.v1.SessionEnded, each the
# base64 of its bytes.
COMPLETIONS_TASK = "stats.apply_completions"
# The same, of practice.events.v1.CalendarChanged, in the same queue.
CALENDAR_CHANGES_TASK = "stats.apply_calendar_changes"
COMPLETIONS_QUEUE = "completions"
# Where the consumer says after a commit how far the events of its learners are counted: a channel of hints.
COUNTED_HINTS = "practice:counted-through"
# The header of both with the request that made each event, by the event's id.
REQUEST_IDS = "request_ids"

# Seconds after which an unacknowledged message is delivered again; far above
# a task's hard time limit.
VISIBILITY_SECONDS = 120
# Seconds a producer waits for Redis; a publish meets at most three of them.
_SOCKET_SECONDS = 0.6
# What a task could say of others that come before or after it.
_NO_OTHERS = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


class TaskQueue:
    """Sends tasks of one queue, as messages of Celery's protocol 2 in what kombu puts around them.

    What Celery and kombu do for a message takes ten times as long and blocks;
    whether theirs and these are the same is held by a test.
    """

    def __init__(self, ask: Callable[..., Awaitable[Any]], queue: str, sender: str) -> None:
        """`ask` gives Redis a command and returns its answer."""
        self._ask = ask
        self._queue = queue
        self._sender = sender

    async def send(self, task: str, args: Sequence[Any], headers: Mapping[str, Any]) -> None:
        """Returns when Redis has it. Raises RedisError, OSError, TimeoutError."""
        await self._ask("LPUSH", self._queue, self._message(task, args, headers))

    async def waiting(self) -> int:
        """Returns how many messages nobody has taken. Raises as `send`."""
        return int(await self._ask("LLEN", self._queue))

    def _message(self, task: str, args: Sequence[Any], headers: Mapping[str, Any]) -> bytes:
        task_id = str(uuid.uuid4())
        body = json.dumps([args, {}, _NO_OTHERS]).encode()
        message = {
            "body": base64.b64encode(body).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {
                "lang": "py",
                "task": task,
                "id": task_id,
                "shadow": None,
                "eta": None,
                "expires": None,
                "group": None,
                "group_index": None,
                "retries": 0,
                "timelimit": [None, None],
                "root_id": task_id,
                "parent_id": None,
                # For logs; it would be the events once more.
                "argsrepr": "",
                "kwargsrepr": "{}",
                "origin": self._sender,
                "ignore_result": None,
                "replaced_task_nesting": 0,
                "stamped_headers": None,
                "stamps": {},
                **headers,
            },
            "properties": {
                "correlation_id": task_id,
                "reply_to": "",
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": self._queue},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": str(uuid.uuid4()),
            },
        }
        return json.dumps(message).encode()


def open_broker(redis_url: str, name: str) -> Celery:
    """Returns a client of the queue. Opens nothing until it is used.

    JSON only, so that no message can execute anything; no results, because
    the consumer's database is the answer. `send_task` blocks; call it from a
    thread when there is an event loop. It raises kombu.exceptions.OperationalError
    when Redis does not answer.
    """
    from celery import Celery  # noqa: PLC0415 - a producer has none of it

    app = Celery(name, broker=redis_url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        result_serializer="json",
        task_ignore_result=True,
        task_default_queue=COMPLETIONS_QUEUE,
        task_publish_retry=True,
        task_publish_retry_policy={
            "max_retries": 1,
            "interval_start": 0.05,
            "interval_step": 0,
            "interval_max": 0.05,
        },
        broker_connection_timeout=_SOCKET_SECONDS,
        broker_pool_limit=4,
        broker_pool_acquire_timeout=1.0,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_SECONDS,
            "unacked_restore_interval": 5,
            # A scan on every call, so that the interval above is the whole period.
            "unacked_restore_throttle": 1,
            "socket_timeout": _SOCKET_SECONDS,
            "socket_connect_timeout": _SOCKET_SECONDS,
            "socket_keepalive": True,
            "health_check_interval": 10,
            "retry_on_timeout": False,
        },
    )
    return app
