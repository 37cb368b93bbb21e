"""Which workers the ledger shows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.db.clock import clock
from app.db.sessions import reading, transaction
from app.jobs.ledger.models import Worker
from app.jobs.transitions import workers
from app.settings.config import settings

pytestmark = pytest.mark.usefixtures("database")


def sign(name: str, *, signed_off: bool = False, seconds_ago: float = 0) -> None:
    workers.sign(name=name, node=name.partition("#")[0], concurrency=1, signed_off=signed_off)
    with transaction() as session:
        session.execute(update(Worker).where(Worker.name == name).values(seen_at=clock(-seconds_ago)))


def known() -> dict[str, bool]:
    """Those that have a row, and whether they have signed off."""
    with reading() as session:
        return dict(session.execute(select(Worker.name, Worker.signed_off)).all())


def row(name: str) -> Worker:
    with reading() as session:
        return session.scalars(select(Worker).where(Worker.name == name)).one()


def test_it_says_how_often_it_will_be_heard_of() -> None:
    sign("a@here#1")
    assert row("a@here#1").beat_seconds == (None if settings().is_sqlite else 5)


def test_a_worker_signs_off_and_is_heard_of_all_the_same() -> None:
    sign("a@here#1", seconds_ago=60)
    before = row("a@here#1")
    workers.sign(name="a@here#1", node="a@here", concurrency=1, signed_off=True)
    after = row("a@here#1")
    assert after.signed_off
    assert after.seen_at > before.seen_at + timedelta(seconds=50)
    assert after.started_at == before.started_at


def test_only_a_namesake_that_has_fallen_silent_is_replaced() -> None:
    silent = 3 * workers.beat_seconds() + 5
    sign("a@here#1", seconds_ago=silent)
    sign("a@here#2", seconds_ago=1)
    sign("a@here+2#3", seconds_ago=silent)
    sign("a@heretic#4", seconds_ago=silent)
    sign("a@here#5")
    workers.clear_away(name="a@here#5", others="a@here#")
    signed_off = {name for name, is_off in known().items() if is_off}
    assert signed_off == {"a@here#1"}
    # It was another one under the same name, and lives.
    sign("a@here#1")
    assert not row("a@here#1").signed_off


def test_the_gone_go_whatever_their_names() -> None:
    sign("b@there#1", seconds_ago=3 * settings().lease_seconds + 5)
    sign("c@there#2", seconds_ago=3 * settings().lease_seconds - 5)
    sign("a@here#3")
    workers.clear_away(name="a@here#3", others="a@here#")
    assert set(known()) == {"a@here#3", "c@there#2"}
