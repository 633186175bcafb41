"""The task queue between services: names both sides know, and a bounded client.

Celery on Redis is a transport that may lose everything it accepted, so
nothing is done until the consumer's database says so, and a publish that
fails is no disaster: it fails within two seconds and is tried again later by
whoever keeps the record. A producer needs no code of the consumer:

    broker = open_broker(redis_url, "session")
    broker.send_task(COMPLETIONS_TASK, args=[payloads], queue=COMPLETIONS_QUEUE)

`send_task` blocks; call it from a thread when there is an event loop. It
raises kombu.exceptions.OperationalError when Redis does not answer.
"""

from __future__ import annotations

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


def open_broker(redis_url: str, name: str) -> Celery:
    """Returns a client of the queue. Opens nothing until it is used.

    JSON only, so that no message can execute anything; no results, because
    the consumer's database is the answer.
    """
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
