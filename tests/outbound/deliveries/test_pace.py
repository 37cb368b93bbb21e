"""All workers together stay below a provider's limit."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from app.db.clock import now
from app.db.engine import engine
from app.db.sessions import transaction
from app.outbound.deliveries import pace
from app.outbound.deliveries.models import Pace

if TYPE_CHECKING:
    from sqlalchemy import Engine

SLACK = timedelta(seconds=2)


def turn(name: str = "mail", *, per_minute: int = 6) -> timedelta:
    with transaction() as session:
        return pace.reserve(session, name, per_minute=per_minute)


def test_the_first_goes_at_once_and_the_rest_evenly_apart(database: Engine) -> None:
    waits = [turn() for _ in range(3)]
    for number, wait in enumerate(waits):
        assert abs(wait - number * timedelta(seconds=10)) < SLACK


def test_each_name_has_its_own_turns(database: Engine) -> None:
    turn("mail")
    assert turn("push") < SLACK


def test_nobody_saves_turns_up(database: Engine) -> None:
    turn(per_minute=60_000)
    with transaction() as session:
        session.query(Pace).update({"next_at": now(session) - timedelta(hours=1)})
    assert turn() == timedelta(0)
    assert turn() > timedelta(seconds=5)


def test_a_turn_that_was_not_committed_is_free_again(database: Engine) -> None:
    with Session(engine()) as session:
        pace.reserve(session, "mail", per_minute=1)
        session.rollback()
    assert turn() < SLACK
