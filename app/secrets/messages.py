"""Messages on the broker: they keep the seals with which they were sent, whatever the ledger holds since."""

from __future__ import annotations

import base64
import json

from app.jobs.broker.current import broker
from app.jobs.broker.lists import all_lists
from app.jobs.errors import WrongKey
from app.jobs.ledger.seal import renewed_within


def waiting_under_another_key() -> int:
    """How many messages on the queues hold, or may hold, something that is not sealed with the first key."""
    return sum(_outdated_in(name) for name in all_lists())


def _outdated_in(name: str) -> int:
    messages = broker().messages(name)
    if messages is None:
        # Nobody can see them, so each may be one.
        return sum(broker().lengths([name]))
    return sum(map(_is_outdated, messages))


def _is_outdated(message: bytes | str) -> bool:
    try:
        body = json.loads(base64.b64decode(json.loads(message)["body"]))
        return bool(renewed_within(body) != body)
    except WrongKey:
        return True
    except (ValueError, TypeError, LookupError, RecursionError):
        return False  # garbage is for the workers to find
