"""The daily mail says how yesterday went and what needs a person, once for a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, update

from app.db.sessions import reading, transaction
from app.health.daily import gathering
from app.health.daily.gathering import gather
from app.health.daily.service import tell_of_yesterday
from app.jobs.ledger.models import Job, JobStat, State
from app.jobs.statistics import adding
from app.jobs.statistics.sums import ATTEMPT, FINISHED, RUN, Counted
from app.jobs.transitions.rollup import EPOCH, WATERMARK
from app.outbound.alerts.models import Alert
from app.outbound.deliveries.models import Delivery
from app.outbound.mail.message import from_content, on_the_wire
from app.schedule.models import RunOutcome, ScheduleRun
from tests.sample.tasks import add

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

DAY = datetime(2026, 3, 14, tzinfo=UTC)
NOON = DAY + timedelta(hours=12)
#: When the mail about that day is made.
NEXT_MORNING = DAY + timedelta(days=1, hours=6)
HOSTILE = "<b onclick=x>\u202e 日本語 مرحبا"


@pytest.fixture(autouse=True)
def configured(database: Engine, configure: Callable[..., None]) -> None:
    assert database
    configure(daily_mail="ops@example.org, boss@example.org")


def count(kind: str, bucket: str, *, task: str = "a.b", at: datetime = NOON, ends: int = 1) -> None:
    with transaction() as session:
        adding.add(session, [Counted(task, "default", kind, bucket, at, ends, 0.0)])


def tell(*, at: datetime = NEXT_MORNING) -> None:
    with transaction() as session:
        tell_of_yesterday(session, now=at)


def mail() -> tuple[str, str, str]:
    """Subject, text and HTML of the only mail."""
    with reading() as session:
        delivery = session.scalars(select(Delivery)).one()
        message = from_content(delivery.key, delivery.content)
    assert message.html
    assert message.to == ("ops@example.org", "boss@example.org")
    on_the_wire(message, at=NEXT_MORNING).as_bytes().decode("ascii")
    return message.subject, message.text, message.html


def test_the_jobs_of_the_day_are_counted_by_task_the_worst_first() -> None:
    count(FINISHED, "done", task="well.done", ends=1_000)
    count(RUN, "0.5", task="well.done", ends=1_000)
    count(FINISHED, "dead", task="a.b", ends=2)
    count(ATTEMPT, "retried", task="a.b", ends=3)
    count(ATTEMPT, "failed", task="a.b", ends=2)
    count(ATTEMPT, "released", task="a.b", ends=9)
    for at in (DAY - timedelta(minutes=1), DAY + timedelta(days=1)):
        count(FINISHED, "dead", task="another.day", at=at)
    tell()
    subject, text, html = mail()
    assert subject == "[Groundwork] 2026-03-14: 1,002 jobs ended, 2 dead"
    lines = [" ".join(line.split()) for line in text.splitlines()]
    place = lines.index("ended failed dead p95 task")
    assert lines[place + 1 : place + 4] == [
        "2 5 2 - a.b",
        "1,000 0 0 0.487 s well.done",
        "1,002 5 2 0.487 s all",
    ]
    assert '<th scope="row" align="left">a.b</th><td align="right">2</td>' in html
    assert "another.day" not in text + html


def test_what_was_missed_and_what_alerts_began_and_ended_is_said() -> None:
    with transaction() as session:
        for at in (NOON, NOON, NOON - timedelta(days=1)):
            session.add(
                ScheduleRun(
                    schedule="evening",
                    moment=at + timedelta(seconds=session.scalar(select(func.count(ScheduleRun.id))) or 0),
                    fired_at=at,
                    outcome=RunOutcome.MISSED,
                )
            )
        session.add_all(
            [
                Alert(kind="disk", subject="h1", sentence="It was full.", opened_at=NOON, closed_at=NOON),
                Alert(kind="beat", subject="", sentence="It was gone.", opened_at=DAY - timedelta(days=2)),
            ]
        )
        session.flush()
        session.execute(update(Alert).where(Alert.kind == "beat").values(closed_at=NOON))
    tell()
    _, text, html = mail()
    missed, begun, ended = (
        text.partition(heading)[2].partition("\n\n\n")[0].strip().partition("\n\nAlerts")[0]
        for heading in ("moments that were missed\n", "Alerts that began\n", "Alerts that ended\n")
    )
    assert missed == "- evening: 2"
    assert begun == "- disk h1: It was full."
    assert ended.partition("\n\nSent")[0].splitlines() == ["- disk h1: It was full.", "- beat: It was gone."]
    assert "<li><strong>beat</strong>: It was gone.</li>" in html
    assert "Nothing." in text


def test_what_needs_a_person_is_said_first_and_in_the_subject() -> None:
    add.delay(1, 1)
    with transaction() as session:
        session.execute(update(Job).values(state=State.DEAD))
        session.add(Alert(kind="disk", subject="", sentence=HOSTILE, opened_at=NEXT_MORNING))
    tell()
    subject, text, html = mail()
    assert subject.endswith("0 dead; something needs a person")
    assert "- 1 dead jobs: groundwork jobs list --state dead\n- disk: <b onclick" in text
    assert "日本語 مرحبا" in text
    assert "&lt;b onclick=x&gt;" in html
    assert "<b onclick" not in html


def test_a_quiet_day_is_a_short_mail() -> None:
    tell()
    subject, text, _ = mail()
    assert subject == "[Groundwork] 2026-03-14: 0 jobs ended, 0 dead"
    assert text.count("None.") == 3
    assert "\n\n\n\n" not in text


def test_many_are_named_up_to_a_number_and_the_others_counted() -> None:
    for number in range(gathering.MAX_NAMED + 3):
        count(FINISHED, "done", task=f"t.{number}")
    with transaction() as session:
        session.add_all(
            Alert(kind="disk", subject=str(number), sentence="full", opened_at=NOON, closed_at=NOON)
            for number in range(gathering.MAX_NAMED + 2)
        )
    tell()
    _, text, html = mail()
    assert "and 3 more tasks" in text
    assert "All, with 3 more tasks" in html
    assert text.count("and 2 more\n") == 2


def test_a_day_that_is_not_counted_to_its_end_is_said() -> None:
    with transaction() as session:
        micros = (NOON - EPOCH) // timedelta(microseconds=1)
        of_all = {"task": "", "queue": "", "bucket": "", "seconds": 0.0}
        session.add(JobStat(kind=WATERMARK, count=micros, **of_all))
        assert gather(session, begin=DAY).counted_until == NOON
        assert gather(session, begin=DAY - timedelta(days=1)).counted_until is None
    tell()
    assert "Counted until 2026-03-14 12:00 only" in mail()[1]


def test_a_day_is_one_mail_whoever_asks_and_whenever() -> None:
    for at in (NEXT_MORNING, NEXT_MORNING, NEXT_MORNING + timedelta(hours=17)):
        tell(at=at)
    assert mail()
    tell(at=NEXT_MORNING + timedelta(days=1))
    with reading() as session:
        assert session.scalar(select(func.count(Delivery.id))) == 2
        tasks = session.scalars(select(Job.task)).all()
    assert tasks == ["mail.deliver_mail"] * 2


def test_where_nobody_is_named_there_is_no_mail(configure: Callable[..., None]) -> None:
    configure(daily_mail="")
    tell()
    with reading() as session:
        assert session.scalars(select(Delivery.id)).all() == []
