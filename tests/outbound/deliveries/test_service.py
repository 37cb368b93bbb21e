"""One business key, one effect outside, whatever fails in between."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.orm import Session

from app.db.clock import clock, now
from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.jobs.errors import RetryableError
from app.jobs.ledger.models import Job, State
from app.outbound.deliveries import service
from app.outbound.deliveries.errors import (
    InProgress,
    NotSent,
    OutcomeUnknown,
    Refused,
    Uncertain,
)
from app.outbound.deliveries.models import Delivery, DeliveryState
from app.outbound.deliveries.outcome import HandOver, Outcome
from app.outbound.deliveries.service import Limit, Outgoing, Provider, WhenUncertain
from app.settings.config import settings
from tests.checkpoints import committing, flushing
from tests.sample.tasks import add

if TYPE_CHECKING:
    from sqlalchemy import Engine

LETTER = Outgoing(key="letter:1", channel="email", recipient="ann", subject="Hello", content={"text": "Hi"})


class Post:
    """A provider that does as it is told, and counts."""

    def __init__(
        self,
        *,
        raises: BaseException | None = None,
        handed_over: bool = False,
        outcome: Outcome | None = None,
    ) -> None:
        self.calls = 0
        self.raises = raises
        self.handed_over = handed_over
        self.outcome = outcome

    def send(self, delivery: Delivery, handover: HandOver) -> Outcome:
        self.calls += 1
        if self.handed_over:
            handover.begin()
        if self.raises:
            raise self.raises
        return self.outcome or Outcome(provider_id=f"id-{delivery.key}")

    def as_provider(self, when_uncertain: WhenUncertain = WhenUncertain.HOLD) -> Provider:
        limit = Limit(name="post", per_minute=60_000)
        return Provider(name="post", send=self.send, limit=limit, when_uncertain=when_uncertain)


def deliver(post: Post, *, job_id: str = "job-1", when_uncertain: WhenUncertain = WhenUncertain.HOLD) -> None:
    """As a job does it: what raises leaves behind what was committed."""
    with Session(engine(), expire_on_commit=False) as session:
        delivery = service.prepare(session, LETTER)
        provider = post.as_provider(when_uncertain)
        service.deliver(session, delivery, provider=provider, job_id=job_id, commit=committing(session))
        session.commit()


def stored() -> Delivery:
    with reading() as session:
        return service.find(session, delivery_id=1)


def as_if_its_worker_had_died(job_id: str = "job-1") -> None:
    with transaction() as session:
        delivery = service.prepare(session, LETTER)
        delivery.state, delivery.job_id, delivery.provider = DeliveryState.SENDING, job_id, "post"


def test_a_delivery_is_sent_once_per_key(database: Engine) -> None:
    post = Post()
    deliver(post)
    deliver(post, job_id="job-2")
    assert post.calls == 1
    found = stored()
    assert (found.state, found.provider, found.provider_id) == (DeliveryState.SENT, "post", "id-letter:1")
    assert (found.calls, found.job_id) == (1, "job-1")
    assert found.sent_at is not None


def test_what_was_prepared_first_is_what_is_sent(database: Engine) -> None:
    with transaction() as session:
        first = service.prepare(session, LETTER).id
        again = Outgoing(key=LETTER.key, channel="email", recipient="bob", subject="No", content={})
        assert service.prepare(session, again).id == first
    assert stored().recipient == "ann"


def test_what_was_surely_not_sent_is_sent_by_the_next_attempt(database: Engine) -> None:
    with pytest.raises(NotSent, match="busy"):
        deliver(Post(raises=NotSent("busy")))
    assert (stored().state, stored().error) == (DeliveryState.WAITING, "busy")
    deliver(Post())
    assert (stored().state, stored().error, stored().calls) == (DeliveryState.SENT, None, 2)


def test_a_refusal_is_kept_and_a_person_may_try_again(database: Engine) -> None:
    with pytest.raises(Refused, match="no such mailbox"):
        deliver(Post(raises=Refused("no such mailbox")))
    assert (stored().state, stored().error) == (DeliveryState.FAILED, "no such mailbox")
    deliver(Post())
    assert stored().state == DeliveryState.SENT


@pytest.mark.parametrize("job_id", ["job-1", "job-2"])
def test_a_delivery_whose_worker_died_in_the_call_is_held(database: Engine, job_id: str) -> None:
    as_if_its_worker_had_died()
    post = Post()
    with pytest.raises(Uncertain, match="groundwork deliveries settle 1 --sent"):
        deliver(post, job_id=job_id)
    assert post.calls == 0
    assert stored().state == DeliveryState.UNCERTAIN


def test_one_that_may_be_sent_twice_is_sent_again_after_its_worker_died(database: Engine) -> None:
    as_if_its_worker_had_died()
    post = Post()
    deliver(post, when_uncertain=WhenUncertain.SEND)
    assert (post.calls, stored().state) == (1, DeliveryState.SENT)


def test_a_lost_answer_is_uncertain_or_tried_again_as_declared(database: Engine) -> None:
    with pytest.raises(Uncertain, match="the line went dead"):
        deliver(Post(raises=OutcomeUnknown("the line went dead.")))
    assert stored().state == DeliveryState.UNCERTAIN
    with pytest.raises(RetryableError, match="did not answer"):
        deliver(Post(raises=OutcomeUnknown("dead again")), when_uncertain=WhenUncertain.SEND)
    assert stored().calls == 2


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


UNFORESEEN = [
    UnicodeEncodeError("ascii", "info@müller.example", 6, 7, "ordinal not in range(128)"),
    AttributeError("'NoneType' object has no attribute 'x'"),
    AssertionError(),
    MemoryError(),
    RecursionError("x" * 100_000),
    ValueError("\x00\udce9"),
    Unspeakable(),
    OSError(9, "Bad file descriptor"),
    TimeoutError(),
    StopIteration(),
]


def test_whatever_goes_wrong_before_the_message_is_handed_over_means_not_sent(database: Engine) -> None:
    for error in UNFORESEEN:
        with pytest.raises(NotSent, match=type(error).__name__):
            deliver(Post(raises=error))
        assert stored().state == DeliveryState.WAITING
        assert type(error).__name__ in (stored().error or "")
    deliver(Post())
    assert stored().state == DeliveryState.SENT


def test_whatever_goes_wrong_after_that_means_that_nobody_knows(database: Engine) -> None:
    for error in UNFORESEEN:
        with pytest.raises(Uncertain, match="groundwork deliveries settle 1 --sent"):
            deliver(Post(raises=error, handed_over=True))
        assert stored().state == DeliveryState.UNCERTAIN
        assert type(error).__name__ in (stored().error or "")
        with transaction() as session:
            service.find(session, delivery_id=1).state = DeliveryState.WAITING


def test_a_process_that_ends_in_the_call_says_how_far_it_came(database: Engine) -> None:
    with pytest.raises(SystemExit):
        deliver(Post(raises=SystemExit(1)))
    assert stored().state == DeliveryState.WAITING
    with pytest.raises(KeyboardInterrupt):
        deliver(Post(raises=KeyboardInterrupt(), handed_over=True))
    assert stored().state == DeliveryState.UNCERTAIN


def test_a_call_that_the_provider_took_back_had_no_effect() -> None:
    handover = HandOver()
    handover.begin()
    handover.take_back()
    assert not handover.has_begun


def test_what_is_left_is_the_delivery_from_then_on(database: Engine) -> None:
    later = Outcome(provider_id="first", left={"text": "the rest"}, why_left="Bob is busy.")
    with pytest.raises(NotSent, match="Bob is busy"):
        deliver(Post(outcome=later))
    assert (stored().state, stored().content) == (DeliveryState.WAITING, {"text": "the rest"})
    deliver(Post(outcome=Outcome(provider_id="second", refused="Cleo is gone.")))
    found = stored()
    assert (found.state, found.provider_id, found.error) == (DeliveryState.SENT, "second", "Cleo is gone.")


def test_two_jobs_do_not_call_at_once(database: Engine) -> None:
    with transaction() as session:
        other = add.delay(1, 2).id
        session.query(Job).update({"state": State.RUNNING, "lease_until": clock(60)})
    as_if_its_worker_had_died(other)
    post = Post()
    with pytest.raises(InProgress, match=other):
        deliver(post, job_id="job-2")
    assert (post.calls, stored().state) == (0, DeliveryState.SENDING)


@pytest.mark.parametrize("state", DeliveryState)
def test_only_what_is_settled_for_good_is_forgotten(database: Engine, state: DeliveryState) -> None:
    with transaction() as session:
        delivery = service.prepare(session, LETTER)
        delivery.state = state
        delivery.changed_at = now(session) - timedelta(days=settings().retention_days, seconds=1)
    with transaction() as session:
        gone = service.forget_settled(session, commit=flushing(session))
    assert gone == (state in {DeliveryState.SENT, DeliveryState.SUPPRESSED})


def test_what_was_settled_of_late_is_remembered(database: Engine) -> None:
    deliver(Post())
    with transaction() as session:
        assert service.forget_settled(session, commit=flushing(session)) == 0
