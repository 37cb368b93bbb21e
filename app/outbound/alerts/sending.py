"""Sends at once what cannot wait for a worker, in this process.

Run as a module it is a process of its own, for those that must not wait for the world outside, such as the
main process of a worker: it reads what to send as JSON and writes what came of it.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy.orm import Session

from app.db.engine import engine
from app.logs.failures import first_line
from app.logs.masking import sentence
from app.outbound.alerts import telling
from app.outbound.alerts.channels.configured import channels
from app.outbound.alerts.message import AlertMessage
from app.outbound.alerts.telling import Told
from app.outbound.deliveries.outcome import HandOver

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What came of one channel; without an error it took the message."""

    channel: str
    error: str | None = None


def send_recorded(prepared: Iterable[Told]) -> None:
    """Send prepared deliveries. What does not succeed is left to their jobs."""
    for delivery_id, job_id in prepared:
        with Session(engine(), expire_on_commit=False) as session:

            def commit(_: Mapping[str, Any] | None = None, session: Session = session) -> None:
                session.commit()

            try:
                telling.deliver(session, delivery_id=delivery_id, job_id=job_id, commit=commit)
                session.commit()
            except Exception as error:  # whatever one channel does, the others are told
                log.warning("alert_not_sent_at_once", delivery=delivery_id, error=first_line(error))


def send_unrecorded(message: AlertMessage, names: Iterable[str] | None = None) -> list[Sent]:
    """Send `message` by each channel, or those called `names`, where nothing can be written down."""
    known = channels()
    return [_send(message, name) for name in (known if names is None else names) if name in known]


def _send(message: AlertMessage, name: str) -> Sent:
    try:
        channels()[name].send(message, HandOver())
    except Exception as error:  # as above
        return Sent(channel=name, error=sentence(str(error) or type(error).__name__))
    return Sent(channel=name)


def main() -> None:
    """Do what standard input says."""
    order = json.load(sys.stdin)
    if "deliveries" in order:
        send_recorded(Told(*one) for one in order["deliveries"])
        found: list[Sent] = []
    else:
        found = send_unrecorded(AlertMessage.from_json(order["message"]), order["channels"])
    json.dump({sent.channel: sent.error for sent in found}, sys.stdout)


if __name__ == "__main__":
    main()
