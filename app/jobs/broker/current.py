"""The broker that the settings name."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from app.jobs.broker.redis import RedisBroker
from app.settings.amqp_url import AmqpAddress
from app.settings.config import settings

if TYPE_CHECKING:
    from app.jobs.broker.port import Broker


@lru_cache(maxsize=1)
def broker() -> Broker:
    """The one broker of this process."""
    if not isinstance(settings().broker, AmqpAddress):
        return RedisBroker()
    # Not above: where Redis is the broker, no process has to load more.
    from app.jobs.broker.rabbitmq.broker import RabbitMqBroker

    return RabbitMqBroker()


def close() -> None:
    """Forget the broker and its connections."""
    if broker.cache_info().currsize:
        broker().close()
        broker.cache_clear()
