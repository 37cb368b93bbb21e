"""The tasks of reports, run by real workers: one report of each day and month, and one mail of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text, update

from app.celery_app import celery_app
from app.db.clock import now
from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.domains.accounts.roles import Role
from app.domains.marketplace.reports.models import Form
from app.domains.marketplace.reports.periods import DAY, last_day
from app.domains.marketplace.reports.tasks import generate_daily_report, generate_monthly_report
from app.jobs.declaration.registry import tasks as declared
from app.jobs.ledger.models import Job, State
from app.outbound.deliveries.models import Delivery
from app.schedule.defaults import seed
from app.schedule.models import ScheduleEntry, ScheduleRun
from app.schedule.spec import cron
from app.settings.config import settings
from app.topology import Queue
from tests.api_client import anonymous
from tests.domains.accounts.people import ANN, add_person
from tests.domains.marketplace.market import add_model
from tests.domains.marketplace.reports import shop
from tests.domains.marketplace.reports.shop import JANUARY, TODAY, reports, rows_of, sell, text_of
from tests.outbound.mail.conftest import smtp
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import EmailMessage

    from tests.fakes.smtp import MailServer
    from tests.fleet import Fleet, Process

__all__ = ["smtp"]
pytestmark = pytest.mark.databases("postgresql")
SECONDS = 60
QUEUES = "reports,emails"
LINK = re.compile(r"http://\S+(/api/v1/files\?token=\S+)")
DAILY = "marketplace.generate_daily_report"
BOTH = [Form.PDF.media_type, Form.CSV.media_type]


@pytest.fixture(autouse=True)
def _february(configure: Callable[..., None], tmp_path: Path) -> None:
    configure(storage=tmp_path / "files", pretend_now="2026-02-01T12:00:00Z")


def start_worker(fleet: Fleet, name: str = "first") -> Process:
    return fleet.start_worker(name, queues=QUEUES, processes=1)


def ended(job_id: str) -> Job | None:
    with reading() as session:
        job = session.get_one(Job, job_id)
        return job if State(job.state).is_terminal else None


def wait_for_mails(fleet: Fleet, smtp: MailServer, count: int) -> None:
    """No job is left that would send a mail, and so many were of reports."""
    fleet.wait_until_all_ended(seconds=SECONDS)
    assert len(of_reports(smtp)) == count


def of_reports(smtp: MailServer) -> list[EmailMessage]:
    """The mails of reports, in the order in which they came."""
    return [mail for mail in smtp.mails if mail["Subject"].startswith("Sales ")]


def mailed_files(smtp: MailServer, number: int = 0) -> list[bytes]:
    """What is behind the links of a mail."""
    body: Any = of_reports(smtp)[number].get_body(("plain",))
    return [anonymous().get(link).content for link in LINK.findall(body.get_content())]


def test_each_task_has_its_queue_and_schedule() -> None:
    mine = {DAILY: cron("0 0 * * *"), "marketplace.generate_monthly_report": cron("15 0 1 * *")}
    for name, schedule in mine.items():
        spec = declared()[name]
        assert (spec.queue, spec.public, spec.scope) == (Queue.REPORTS, True, "sales:report")
        assert spec.schedule is not None
        assert spec.schedule.describe() == schedule.describe()


def test_a_day_has_one_report_and_one_mail_of_it(fleet: Fleet, smtp: MailServer) -> None:
    add_person(role=Role.ADMIN)
    sell(add_model(title="Sentinel"), 1_250_00)
    start_worker(fleet)
    send = celery_app.send_task
    first = send("app.tasks.reports.generate_daily_report").get(timeout=SECONDS)
    assert first == {"period": "2026-01-31", "made": True, "mails": 1}
    again = generate_daily_report.delay(date="2026-01-31").get(timeout=SECONDS)
    assert again == {"period": "2026-01-31", "made": False, "mails": 0}
    month = send("app.tasks.reports.generate_monthly_report", args=(2026, 1)).get(timeout=SECONDS)
    assert month == {"period": "2026-01", "made": True, "mails": 1}
    assert not generate_monthly_report.delay().get(timeout=SECONDS)["made"]
    with pytest.raises(Exception, match="2026-02 is over on 2026-03-01"):
        generate_monthly_report.delay(year=2026, month=2).get(timeout=SECONDS)
    assert [(one.period, one.media_type) for one in reports()] == [
        (period, kind) for period in ("2026-01", "2026-01-31") for kind in BOTH
    ]
    wait_for_mails(fleet, smtp, 2)
    assert {mail["To"] for mail in of_reports(smtp)} == {ANN}
    with reading() as session:
        mine = session.scalars(select(Delivery).where(Delivery.key.startswith("sales-report:")))
        assert [one.content["text"] for one in mine] == ["***"] * 2, "links are sealed"
    pdf, csv = mailed_files(smtp)
    assert (pdf, csv) == tuple(shop.file(form, TODAY) for form in (Form.PDF, Form.CSV))
    assert "Net sales, EUR 1,250.00" in text_of(pdf)
    assert [row["value"] for row in rows_of(csv) if row["measure"] == "net"] == ["1250.00"]
    assert "Sales in January 2026" in text_of(mailed_files(smtp, 1)[0])


def test_a_worker_that_dies_in_the_middle_leaves_the_report_to_another(
    fleet: Fleet, smtp: MailServer
) -> None:
    add_person(role=Role.ADMIN)
    sell(add_model())
    fleet.start_beat()
    worker = start_worker(fleet)
    with engine().connect() as other:
        # Files are stored, and their rows wait.
        other.execute(text("LOCK TABLE sales_report IN SHARE MODE"))
        job_id = generate_monthly_report.delay(year=2026, month=1).id
        wait_until(lambda: len(stored()) == 2, seconds=SECONDS, what="both files are stored")
        worker.kill()
    start_worker(fleet, "second")
    wait_until(lambda: ended(job_id), seconds=SECONDS, what="the report is made")
    with reading() as session:
        job = session.get_one(Job, job_id)
    assert (job.state, job.attempt, job.result) == (
        "done",
        2,
        {"period": "2026-01", "made": True, "mails": 1},
    )
    assert [one.storage_key for one in reports()] == [f"reports/monthly/{name}" for name in stored()[::-1]]
    assert text_of(shop.file(Form.PDF, JANUARY))
    wait_for_mails(fleet, smtp, 1)


def stored() -> list[str]:
    """The names of the files of monthly reports, the PDF after the CSV."""
    folder = Path(settings().storage) / "reports" / "monthly"
    return sorted((one.name for one in folder.glob("2026-01-*.???")), key=lambda name: name[-3:])


def test_a_beat_that_was_away_has_each_day_reported_as_of_its_own_midnight(
    fleet: Fleet, configure: Callable[..., None]
) -> None:
    configure(pretend_now="")
    with transaction() as session:
        seed(session)
        long_ago = now(session) - 3 * DAY
        mine = update(ScheduleEntry).where(ScheduleEntry.name == DAILY)
        session.execute(mine.values(seen_until=long_ago, next_at=long_ago))
    start_worker(fleet)
    fleet.start_beat()
    # That of the last day may have to settle.
    wait_until(lambda: len(reports()) >= 2 * 2, seconds=SECONDS, what="the days have reports")
    with reading() as session:
        moments = session.scalars(select(ScheduleRun.moment).where(ScheduleRun.schedule == DAILY)).all()
    assert len(moments) == 3
    days = {str(last_day(moment)) for moment in moments}
    assert len(days) == 3
    assert {one.period for one in reports()} <= days
