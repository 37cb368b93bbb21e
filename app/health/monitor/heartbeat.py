"""Tells somebody elsewhere that all is well, once a minute, by a GET of `GROUNDWORK_HEARTBEAT_URL`.

Whoever takes it calls when it stays away: the one alarm that is left when the host, the network or the
mail is gone. It is sent while beat leads, the ledger takes writes, and no severe alert is open that is
not muted. One that is muted is known, and nobody is to be called for it.

Nothing is sent while something is wrong, not even `/fail`, which healthchecks.io has and others have not:
the alert itself goes out by its channels at once, a second call for the same tells nothing, and silence is
what every such service understands.
"""

from __future__ import annotations

import atexit
import os
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from celery import signals
from sqlalchemy import exists, select

from app.db.clock import clock
from app.db.sessions import reading
from app.health.checks.looks import SEVERE
from app.logs.masking import excerpt
from app.outbound.alerts import muting, service
from app.outbound.bounded_http import Bounds, NoReply, NotReached, call
from app.processes.repeating_thread import RepeatingThread
from app.schedule.leader import BEAT, holder_here, resign, take_turn
from app.schedule.models import Leader
from app.settings.config import settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.outbound.bounded_http import Reply

log = structlog.get_logger(__name__)

NAME = "heartbeat"
#: Each process looks this often whether it is time, and whether all is well.
LOOK = timedelta(seconds=10)
#: From one to the next, over all processes: the look after this sends it.
TURN = timedelta(seconds=55)
BOUNDS = Bounds(
    connect=timedelta(seconds=5),
    silence=timedelta(seconds=10),
    deadline=timedelta(seconds=15),
    max_bytes=1_024,
)


class Heartbeat(RepeatingThread):
    """Sends it from one process at a time, in a thread of its own: no schedule waits for who takes it."""

    def __init__(self) -> None:
        super().__init__(name=NAME)
        self._holder = holder_here()
        self._is_taken = True

    def pause(self) -> float:
        """Until it looks again."""
        return LOOK.total_seconds()

    def work(self) -> None:
        """Send it if it is time and all is well."""
        url = settings().heartbeat_url.get_secret_value()
        with reading() as session:
            may_be_sent = bool(url) and is_well(session)
        # To take the turn is also what shows that the ledger can be written.
        if may_be_sent and take_turn(NAME, holder=self._holder, for_=TURN):
            self._send(url)

    def _send(self, url: str) -> None:
        try:
            reply = call("GET", url, bounds=BOUNDS)
        except (NotReached, NoReply) as error:
            self._note_refusal(excerpt(error, hiding=[url]), url=url)
        else:
            if reply.is_success:
                self._note_success()
                return
            self._note_refusal(_reason_of(reply, url=url), url=url)
            if not reply.is_server_error:
                # It will say the same in a moment; in a minute somebody may have mended the URL.
                return
        resign(NAME, holder=self._holder)

    def _note_refusal(self, why: str, *, url: str) -> None:
        if self._is_taken:
            log.warning("heartbeat_not_taken", host=urlsplit(url).hostname, why=why)
        self._is_taken = False

    def _note_success(self) -> None:
        if not self._is_taken:
            log.info("heartbeat_taken_again")
        self._is_taken = True


def is_well(session: Session) -> bool:
    """Whether beat leads, and nothing is wrong that keeps jobs from being done and nobody knows of."""
    leads = exists().where(Leader.name == BEAT, Leader.until > clock())
    if not session.scalar(select(leads)):
        return False
    known = muting.mutes(session)
    return all(
        row.kind not in SEVERE or muting.mute_of(known, kind=row.kind, subject=row.subject)
        for row in service.open_alerts(session)
    )


def _reason_of(reply: Reply, *, url: str) -> str:
    if reply.is_redirect:
        return f"{reply.status}, a redirect, which is not followed: set the URL that it leads to."
    return f"{reply.status} {excerpt(reply.body.decode(errors='replace') or reply.reason, hiding=[url])}"


def begin(**_: object) -> None:
    """Send it from now on until this process ends, if there is somebody to take it."""
    if settings().heartbeat_url.get_secret_value():
        heartbeat = Heartbeat()
        heartbeat.start()
        atexit.register(_end, heartbeat, os.getpid())


def _end(heartbeat: Heartbeat, pid: int) -> None:
    # Processes of a pool inherit this.
    if os.getpid() == pid:
        heartbeat.end()


def add_heartbeat() -> None:
    """Have each beat take part."""
    signals.beat_init.connect(begin)
