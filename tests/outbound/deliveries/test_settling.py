"""What a person says of deliveries of which nobody knows whether they were sent."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from app.db.clock import clock
from app.db.sessions import reading, transaction
from app.jobs.ledger.models import Job, State
from app.jobs.service import JobStateConflict
from app.outbound.deliveries import service
from app.outbound.deliveries.errors import ChangedMeanwhile, DeliveryNotFound, NotUncertain, Uncertain
from app.outbound.deliveries.models import DeliveryState
from app.outbound.deliveries.settling import STATES, Settlement, settle
from tests.outbound.deliveries.test_service import LETTER, Post, as_if_its_worker_had_died, deliver, stored
from tests.sample.tasks import add

if TYPE_CHECKING:
    from sqlalchemy import Engine


def left_uncertain(*, job: State = State.DEAD) -> str:
    """A delivery of a job that is left in that state; the job's id."""
    with transaction() as session:
        job_id = str(add.delay(1, 2).id)
        session.query(Job).update({"state": job, "finished_at": clock() if job.is_terminal else None})
    as_if_its_worker_had_died(job_id)
    with pytest.raises(Uncertain):
        deliver(Post(), job_id=job_id)
    return job_id


def state_of(job_id: str) -> str:
    with reading() as session:
        return session.get_one(Job, job_id).state


def test_what_was_not_sent_is_sent_by_its_job(database: Engine) -> None:
    job_id = left_uncertain()
    with transaction() as session:
        settle(session, delivery_id=1, how=Settlement.AGAIN)
    assert state_of(job_id) == State.READY
    post = Post()
    deliver(post, job_id=job_id)
    assert (post.calls, stored().state) == (1, DeliveryState.SENT)


@pytest.mark.parametrize("how", [Settlement.SENT, Settlement.GIVEN_UP])
def test_what_a_person_says_arrived_or_gives_up_is_not_sent(database: Engine, how: Settlement) -> None:
    job_id = left_uncertain()
    with transaction() as session:
        settle(session, delivery_id=1, how=how, reason="the customer has it")
    post = Post()
    deliver(post, job_id=job_id)
    assert (post.calls, stored().state, state_of(job_id)) == (0, STATES[how], State.DEAD)
    is_given_up = how is Settlement.GIVEN_UP
    assert stored().error == ("Given up: the customer has it" if is_given_up else None)
    assert (stored().sent_at is None) is is_given_up


@pytest.mark.parametrize("how", Settlement)
@pytest.mark.parametrize("state", [state for state in DeliveryState if state != DeliveryState.UNCERTAIN])
def test_only_an_uncertain_delivery_is_settled(
    database: Engine, how: Settlement, state: DeliveryState
) -> None:
    with transaction() as session:
        service.prepare(session, LETTER).state = state
    with transaction() as session, pytest.raises(NotUncertain):
        settle(session, delivery_id=1, how=how)
    assert stored().state == state


def test_what_is_not_there_is_not_settled(database: Engine) -> None:
    with transaction() as session, pytest.raises(DeliveryNotFound):
        settle(session, delivery_id=99, how=Settlement.SENT)


@pytest.mark.parametrize("how", Settlement)
def test_what_has_changed_since_somebody_looked_is_looked_at_again(database: Engine, how: Settlement) -> None:
    left_uncertain()
    seen_at = stored().changed_at
    with transaction() as session, pytest.raises(ChangedMeanwhile, match="Look at it again"):
        settle(session, delivery_id=1, how=how, seen_at=seen_at - timedelta(microseconds=1))
    assert stored().state == DeliveryState.UNCERTAIN
    with transaction() as session:
        settle(session, delivery_id=1, how=how, seen_at=seen_at)
    assert stored().state == STATES[how]


def test_what_its_job_still_works_on_is_not_sent_again_by_hand(database: Engine) -> None:
    left_uncertain(job=State.READY)
    with pytest.raises(JobStateConflict, match="is ready"), transaction() as session:
        settle(session, delivery_id=1, how=Settlement.AGAIN)
    assert stored().state == DeliveryState.UNCERTAIN
