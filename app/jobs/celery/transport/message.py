"""A message that Celery can take without stumbling."""

from __future__ import annotations

from typing import Any

from kombu.transport import virtual

from app.jobs.celery.transport import envelope


class Message(virtual.Message):
    """What an envelope holds; raises `NotAMessage` for one that no task could be run by."""

    def __init__(self, payload: Any, channel: Any = None, **kwargs: Any) -> None:
        kombu: Any = super()
        envelope.parsed(kombu.__init__, payload, channel=channel, **kwargs)
        envelope.check(self)
