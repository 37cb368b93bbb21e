"""Leading: one at a time, by the database's clock."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.db.clock import clock
from app.db.clock import now as db_now
from app.db.sessions import reading, transaction
from app.schedule.leader import TERM, lead, resign
from app.schedule.models import Leader

pytestmark = pytest.mark.usefixtures("database")


def until() -> dict[str, timedelta]:
    """How long each leader's term still lasts, by its holder."""
    with reading() as session:
        now = db_now(session)
        return {leader.holder: leader.until - now for leader in session.scalars(select(Leader))}


def let_the_term_end() -> None:
    with transaction() as session:
        session.execute(update(Leader).values(until=clock(-1)))


def test_the_first_leads_and_the_second_stands_by() -> None:
    assert lead("beat", holder="first")
    assert not lead("beat", holder="second")
    assert lead("beat", holder="first")


def test_two_names_have_two_leaders() -> None:
    assert lead("beat", holder="first")
    assert lead("other", holder="second")


def test_a_leader_renews_its_term_by_the_databases_clock() -> None:
    lead("beat", holder="first")
    assert timedelta() < until()["first"] <= TERM
    with transaction() as session:
        session.execute(update(Leader).values(until=clock(1)))
    assert lead("beat", holder="first")
    assert until()["first"] > TERM - timedelta(seconds=5)


def test_the_second_leads_once_the_first_is_not_heard_of_for_a_term() -> None:
    lead("beat", holder="first")
    let_the_term_end()
    assert lead("beat", holder="second")
    assert not lead("beat", holder="first")


def test_the_second_leads_at_once_when_the_first_resigns() -> None:
    lead("beat", holder="first")
    resign("beat", holder="first")
    assert lead("beat", holder="second")


def test_only_the_leader_can_resign() -> None:
    lead("beat", holder="first")
    resign("beat", holder="second")
    assert not lead("beat", holder="second")


def test_of_many_at_once_one_leads() -> None:
    barrier, leading = threading.Barrier(8), []

    def try_to_lead(holder: str) -> None:
        barrier.wait()
        if lead("beat", holder=holder):
            leading.append(holder)

    threads = [threading.Thread(target=try_to_lead, args=(f"beat {number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(leading) == 1
