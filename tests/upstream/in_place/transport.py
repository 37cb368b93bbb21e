"""The transport, by its URL and by the names that tests take its classes by."""

from __future__ import annotations

from typing import Any

from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as kombu_redis
from kombu.utils import eventio

from app.jobs.celery.transport import broker, unacked
from app.jobs.celery.without_ledger.configuration import OURS

assert TRANSPORT_ALIASES["redis"].startswith(OURS)

kombu: Any = kombu_redis
kombu.Channel, kombu.Transport, kombu.QoS = broker.Channel, broker.Transport, unacked.QoS
# A unit test of kombu's changes what polls before it imports the module that is imported here.
kombu.poll = lambda: eventio.poll()
