"""One leader at a time, chosen through the database by its clock."""

from __future__ import annotations

import secrets
import socket
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete

from app.db.clock import clock
from app.db.sessions import transaction
from app.db.upsert import insert_or_update
from app.schedule.models import Leader

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

#: A leader that is not heard of for so long is replaced; it renews at every tick.
TERM = timedelta(seconds=15)
#: Who fires schedules.
BEAT = "beat"


def lead(name: str, *, holder: str) -> bool:
    """Become or stay the leader called `name`; False while another one is."""
    return _take(name, holder=holder, for_=TERM, where=(Leader.holder == holder) | (Leader.until < clock()))


def take_turn(name: str, *, holder: str, for_: timedelta) -> bool:
    """Do what is called `name`, and be the only one for so long; False while that time of anybody lasts."""
    return _take(name, holder=holder, for_=for_, where=Leader.until < clock())


def _take(name: str, *, holder: str, for_: timedelta, where: ColumnElement[bool]) -> bool:
    with transaction() as session:
        until = clock(for_.total_seconds())
        statement = insert_or_update(session, Leader).values(name=name, holder=holder, until=until)
        taken = statement.on_conflict_do_update(
            index_elements=[Leader.name], set_={"holder": holder, "until": until}, where=where
        ).returning(Leader.holder)
        return session.execute(taken).scalar() is not None


def resign(name: str, *, holder: str) -> None:
    """Let another lead at once."""
    with transaction() as session:
        session.execute(delete(Leader).where(Leader.name == name, Leader.holder == holder))


def holder_here() -> str:
    """A name for this process that says on which host it is."""
    return f"{socket.gethostname()}#{secrets.token_hex(4)}"


def host_of(holder: str) -> str:
    """On which host a holder is."""
    return holder.partition("#")[0]
