"""Which server is the broker: Redis, or RabbitMQ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.settings import amqp_url, redis_url

if TYPE_CHECKING:
    from app.settings.amqp_url import AmqpAddress
    from app.settings.redis_url import RedisAddress

SCHEMES = (*redis_url.SCHEMES, *amqp_url.SCHEMES)


class UnusableBrokerUrl(ValueError):
    """Raised for a URL of a server that cannot be the broker."""

    def __init__(self) -> None:
        super().__init__(
            f"it begins with none of {', '.join(f'{scheme}://' for scheme in SCHEMES)}. Write "
            "amqp://user:password@host:5672/vhost for RabbitMQ, or leave it out to have the Redis of "
            "GROUNDWORK_REDIS_URL"
        )


def parse(url: str) -> AmqpAddress | RedisAddress:
    """Read a URL. Raises a `ValueError` with a sentence that shows no password."""
    scheme = url.partition(":")[0]
    if scheme not in SCHEMES:
        raise UnusableBrokerUrl
    return amqp_url.address_of(url) if scheme in amqp_url.SCHEMES else redis_url.address_of(url)
