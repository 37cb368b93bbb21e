"""An alert is opened once and closed once, whoever looks and however often it comes and goes."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, update

from app.db.sessions import reading, transaction
from app.jobs.ledger.models import Job, State
from app.jobs.web.metrics import render
from app.outbound.alerts import service
from app.outbound.alerts.look import Look, Problem
from app.outbound.alerts.models import Alert
from app.outbound.alerts.sending import send_recorded
from app.outbound.alerts.telling import DELIVER_TASK, Told, deliver
from app.outbound.deliveries.models import Delivery, DeliveryState
from tests.checkpoints import committing
from tests.fakes.http_server import HANGS_UP, Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from tests.fakes.hooks import HookServer

FULL = Look(kind="disk", problems={"worker-1": Problem(sentence="The disk is full.", fix="Make room.")})
WELL = Look(kind="disk", subjects=frozenset({"worker-1"}))


@pytest.fixture(autouse=True)
def configured(database: Engine, hooks: HookServer, configure: Callable[..., None]) -> None:
    assert database
    configure(alert_slack_urls=hooks.slack_url, alert_recovery_seconds=0)


def take(*looks: Look, direct: bool = False) -> list[Told]:
    with transaction() as session:
        return service.take(session, looks, direct=direct)


def alerts() -> list[Alert]:
    with reading() as session:
        return list(session.scalars(select(Alert).order_by(Alert.id)))


def events() -> list[str]:
    """What was to be told, by the keys of the deliveries."""
    with reading() as session:
        keys = session.scalars(select(Delivery.key).order_by(Delivery.id))
        return [":".join(key.split(":")[1:3]) for key in keys]


def jobs() -> int:
    with reading() as session:
        return session.scalar(select(func.count()).where(Job.task == DELIVER_TASK)) or 0


def test_what_breaks_and_recovers_is_told_twice() -> None:
    for look in (WELL, FULL, FULL, WELL, WELL):
        take(look)
    (alert,) = alerts()
    assert (alert.kind, alert.subject, alert.sentence) == ("disk", "worker-1", "The disk is full.")
    assert alert.closed_at is not None
    assert events() == [f"{alert.id}:opened", f"{alert.id}:recovered"]
    assert jobs() == 2


def test_the_next_time_is_another_alert() -> None:
    for look in (FULL, WELL, FULL):
        take(look)
    assert [one.closed_at is None for one in alerts()] == [False, True]
    assert [event.split(":")[1] for event in events()] == ["opened", "recovered", "opened"]


def test_what_comes_and_goes_is_one_alert(configure: Callable[..., None]) -> None:
    configure(alert_recovery_seconds=3_600)
    for _ in range(5):
        take(FULL)
        take(WELL)
    (alert,) = alerts()
    assert (alert.closed_at, events()) == (None, [f"{alert.id}:opened"])


def test_it_is_closed_once_it_has_been_well_for_long_enough(configure: Callable[..., None]) -> None:
    configure(alert_recovery_seconds=3_600)
    take(FULL)
    take(WELL)
    an_hour = timedelta(hours=1)
    with transaction() as session:
        session.execute(update(Alert).values(well_since=alerts()[0].well_since - an_hour))  # type: ignore[operator]
    take(WELL)
    assert events() == [f"{alerts()[0].id}:opened", f"{alerts()[0].id}:recovered"]


def test_a_look_at_one_says_nothing_of_the_others() -> None:
    take(FULL)
    take(Look(kind="disk", subjects=frozenset({"worker-2"})), Look(kind="redis"))
    assert alerts()[0].closed_at is None
    take(Look(kind="disk"))
    assert alerts()[0].closed_at is not None


def test_each_subject_is_an_alert_of_its_own() -> None:
    take(Look(kind="workers", problems={name: Problem(sentence="gone") for name in ("bulk", "standard")}))
    take(Look(kind="workers", problems={"bulk": Problem(sentence="gone")}))
    assert {one.subject: one.closed_at is None for one in alerts()} == {"bulk": True, "standard": False}


@pytest.mark.parametrize("look", [FULL, WELL])
def test_of_many_who_look_at_once_one_tells(look: Look) -> None:
    if look is WELL:
        take(FULL)
    ready = threading.Barrier(4)

    def at_once(_: int) -> int:
        ready.wait()
        return len(take(look))

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(at_once, range(4))) == [0, 0, 0, 1]
    assert len(events()) == (1 if look is FULL else 2)


def test_what_is_no_news_is_seen_without_writing() -> None:
    def is_news(look: Look) -> bool:
        with reading() as session:
            return service.is_news(session, [look])

    assert (is_news(FULL), is_news(WELL)) == (True, False)
    take(FULL)
    assert (is_news(FULL), is_news(WELL)) == (False, True)


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "x" * 100_000, "日本語", "<!channel>", ""])
def test_whatever_a_problem_says_can_be_kept(text: str) -> None:
    take(Look(kind="disk", problems={text: Problem(sentence=text, fix=text)}))
    assert len(events()) == 1


def test_what_cannot_wait_is_sent_at_once_and_its_job_finds_it_done(hooks: HookServer) -> None:
    told = take(FULL, direct=True)
    send_recorded(told)
    assert len(hooks.texts) == 1
    with reading() as session:
        job = session.scalars(select(Job)).one()
        assert job.run_at is not None
        assert job.run_at > job.accepted_at
        again = deliver(session, delivery_id=told[0].delivery_id, job_id=job.id, commit=committing(session))
    assert (again, len(hooks.texts)) == (DeliveryState.SENT, 1)


def test_what_was_not_taken_at_once_is_left_to_its_job(hooks: HookServer) -> None:
    hooks.answers.append(Answer(status=503))
    told = take(FULL, direct=True)
    send_recorded(told)
    assert hooks.texts == []
    with reading() as session:
        deliver(session, **told[0]._asdict(), commit=committing(session))
    assert len(hooks.texts) == 1


def test_what_may_have_gone_out_is_not_sent_again(hooks: HookServer) -> None:
    hooks.answers.append(HANGS_UP)
    told = take(FULL, direct=True)
    send_recorded(told)
    send_recorded(told)
    assert len(hooks.texts) == 1
    with reading() as session:
        assert session.scalars(select(Delivery.state)).all() == [DeliveryState.UNCERTAIN]


def test_an_end_is_not_told_before_its_beginning(hooks: HookServer) -> None:
    hooks.answers.append(Answer(status=503))
    began, ended = take(FULL, direct=True), take(WELL, direct=True)
    send_recorded([*began, *ended])
    assert hooks.texts == []
    send_recorded([*ended, *began, *ended])
    assert [text.splitlines()[0] for text in hooks.texts] == [
        "[Groundwork] Problem: disk worker-1",
        "[Groundwork] Recovered: disk worker-1",
    ]


def test_an_end_does_not_wait_for_a_beginning_that_was_given_up(hooks: HookServer) -> None:
    began, ended = take(FULL, direct=True), take(WELL, direct=True)
    with transaction() as session:
        session.get_one(Job, began[0].job_id).state = State.DEAD
    send_recorded(ended)
    assert [text.splitlines()[0] for text in hooks.texts] == ["[Groundwork] Recovered: disk worker-1"]


def test_a_channel_that_is_gone_holds_nobody_up(configure: Callable[..., None]) -> None:
    told = take(FULL)
    configure(alert_slack_urls="")
    send_recorded(told)
    with reading() as session:
        assert session.scalars(select(Delivery.state)).all() == [DeliveryState.SUPPRESSED]


def test_what_is_open_is_a_metric() -> None:
    take(FULL, Look(kind="redis", problems={"": Problem(sentence="gone")}))
    take(Look(kind="redis"))
    assert [line for line in render().decode().splitlines() if line.startswith("groundwork_alerts_open")] == [
        'groundwork_alerts_open{kind="disk"} 1.0'
    ]


def test_no_secret_is_stored(hooks: HookServer) -> None:
    take(FULL)
    with reading() as session:
        row = session.scalars(select(Delivery)).one()
        kept = f"{row.key} {row.recipient} {row.content}"
    assert hooks.slack_url.rpartition("/")[2] not in kept
