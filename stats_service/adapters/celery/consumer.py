"""How every worker of this service consumes, and how its processes share their memory and their end."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
from typing import Any

from celery import Celery
from celery.signals import worker_before_create_process, worker_init, worker_process_init

_SETTINGS = {
    # A message is done when its transaction is; a child that dies puts it back
    # as a retry, which is counted, and not as a rejection, which loops.
    "task_acks_late": True,
    "task_acks_on_failure": True,
    "task_acks_on_timeout": True,
    "task_reject_on_worker_lost": False,
    "task_retry_on_worker_lost": True,
    "task_soft_time_limit": 20,
    "task_time_limit": 30,
    "worker_prefetch_multiplier": 1,
    "worker_max_tasks_per_child": 5_000,
    "worker_max_memory_per_child": 400_000,
    "worker_soft_shutdown_timeout": 10,
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    # Nobody sends commands; their reply queues are one more thing that a
    # restarted Redis would have lost.
    "worker_enable_remote_control": False,
    "worker_send_task_events": False,
    "worker_hijack_root_logger": False,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    # A consumer has time; a producer's patience would have it reconnect for a hiccup.
    "broker_connection_timeout": 5,
}


def configure_consumer(app: Celery) -> None:
    """Makes a client of the queue one that consumes."""
    options = app.conf.broker_transport_options
    patient = {**options, "socket_timeout": 5, "socket_connect_timeout": 5}
    app.conf.update(_SETTINGS, broker_transport_options=patient)
    share_memory()


# The process that this module was loaded in; the others of a worker are forked from it.
_WORKER = os.getpid()
_PR_SET_PDEATHSIG = 1


def is_orphan() -> bool:
    """Tells whether this is a forked process whose worker is gone."""
    return os.getpid() != _WORKER and os.getppid() != _WORKER


def share_memory() -> None:
    """Makes the workers of this process fork children that share what it holds.

    A collection writes to every page that it looks at, and so copies it. What
    is frozen is not looked at: a worker with two children takes a fifth less.
    But a child's collections also closed what it inherits of its siblings'
    pipes, by whose end they notice that their parent is gone. So they are told
    of it by the kernel, where it can, and nothing is frozen where it cannot.
    """
    if sys.platform != "linux":
        return
    # Beat is begun before the pool or after it.
    for about_to_fork in (worker_init, worker_before_create_process):
        about_to_fork.connect(_freeze, weak=False)
    worker_process_init.connect(_end_with_worker, weak=False)


def _freeze(**_signal: Any) -> None:
    gc.collect()
    gc.freeze()


def _end_with_worker(**_signal: Any) -> None:
    """Ends a child with its worker. What it was doing is done again by another."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if is_orphan():
        os._exit(1)
