"""How every worker of this service consumes."""

from __future__ import annotations

from celery import Celery

from stats_service.adapters.celery.forking import share_memory

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
