"""What Celery is told, in each of its processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kombu import Exchange
from kombu import Queue as KombuQueue
from kombu.transport import TRANSPORT_ALIASES

from app.settings.redis_url import RedisAddress
from app.topology import Priority, Queue

if TYPE_CHECKING:
    from app.settings.config import Settings

KIB = 1024
#: A child above this is replaced after its job; a fresh one takes a quarter of it.
MAX_CHILD_MEMORY = 512 * KIB * KIB
#: A RabbitMQ that was not heard of for two of these is away.
HEARTBEAT_SECONDS = 10
#: Our transports in the place of kombu's. Named, not imported: of two, a process needs one.
OURS = "app.jobs.celery.transport"
TRANSPORT_ALIASES.update(
    dict.fromkeys(("redis", "rediss"), f"{OURS}.broker:Transport")
    | dict.fromkeys(("amqp", "amqps"), f"{OURS}.rabbitmq.transport:Transport")
)


def configuration(values: Settings) -> dict[str, Any]:
    """What Celery is told."""
    return {
        "broker_url": values.broker.for_kombu,
        "broker_use_ssl": values.broker.tls,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_connection_timeout": 4,
        # What Redis refuses for a while (it is full, or a replica) costs the connection, and not the worker.
        "broker_channel_error_retry": True,
        **_of_broker(values),
        "result_backend": "app.jobs.celery.backend:LedgerBackend",
        "accept_content": ["json"],
        "result_accept_content": ["json"],
        "timezone": "UTC",
        "task_default_queue": Queue.DEFAULT.value,
        "task_queues": [KombuQueue(name.value, Exchange(""), routing_key=name.value) for name in Queue],
        "task_create_missing_queues": False,
        "task_acks_late": True,
        # The ledger decides about repetition, so a message is done with once its attempt has ended.
        "task_acks_on_failure": True,
        "task_acks_on_timeout": True,
        "task_inherit_parent_priority": False,
        "task_time_limit": values.task_time_limit_seconds,
        "task_soft_time_limit": values.task_soft_time_limit_seconds,
        "task_publish_retry_policy": {"max_retries": 3, "interval_start": 0.1, "interval_max": 1},
        "worker_prefetch_multiplier": 1,
        "worker_pool": "app.worker.pools.prefork:Prefork",
        # At a thousand jobs a second, a pool whose children end every thousand jobs is busy replacing them.
        # What leaks is ended by its memory.
        "worker_max_tasks_per_child": 10_000,
        "worker_max_memory_per_child": MAX_CHILD_MEMORY // KIB,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "beat_scheduler": "app.schedule.beat:LedgerScheduler",
        "control_queue_expires": 60.0,
    }


def _of_broker(values: Settings) -> dict[str, Any]:
    if isinstance(values.broker, RedisAddress):
        return {"broker_transport_options": _redis_options(values)}
    return {
        "broker_heartbeat": HEARTBEAT_SECONDS,
        # Redis has a prefix for these, too.
        "control_exchange": f"{values.redis_prefix}celery",
        "event_exchange": f"{values.redis_prefix}celeryev",
        "event_queue_prefix": f"{values.redis_prefix}celeryev",
    }


def _redis_options(values: Settings) -> dict[str, Any]:
    return {
        "global_keyprefix": values.redis_prefix,
        # The ledger recovers what a worker lost, in seconds; this only has to be far above any task.
        "visibility_timeout": 4 * values.task_time_limit_seconds,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "priority_steps": [step.value for step in Priority],
        "queue_order_strategy": "priority",
        "socket_timeout": 15,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 10,
    }
