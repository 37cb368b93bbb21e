"""`groundwork invoices`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from app.db.sessions import transaction
from app.domains.billing.invoices.generating.generation import GENERATE_TASK
from app.domains.billing.invoices.models import Invoice
from app.domains.billing.invoices.sending.mailing import MAIL_TASK
from app.logs.failures import ExitCode
from tests.command_line import groundwork
from tests.domains.billing.invoices.office import FIXED, found_office, run
from tests.domains.notifications.people import jobs_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.command_line import Outcome

    Command = Callable[..., Outcome]


pytestmark = pytest.mark.databases("sqlite")


@pytest.fixture
def command(database: Engine, configure: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `groundwork invoices`, on the 3rd of November; there is a draft over 595.00 EUR."""
    configure(pretend_now="2026-11-03T12:00:00Z")
    found_office().client().rule(**FIXED)
    run()
    return lambda *arguments: groundwork(capsys, "invoices", *arguments)


def test_a_month_is_made_by_a_job(command: Command) -> None:
    done = command("generate", "--period", "2026-10", "--tenant", "1", "--json")
    (job,) = jobs_of(GENERATE_TASK)
    assert json.loads(done.out) == {"job_id": job.id}
    assert job.kwargs == {"billing_period": "2026-10", "tenant_id": 1}
    said = command("generate").out
    last = jobs_of(GENERATE_TASK)[-1]
    assert (last.kwargs, last.id in said) == ({}, True)


@pytest.mark.parametrize(("period", "said"), [("2026-11", "is not over anywhere"), ("x", "give a month as")])
def test_a_month_that_is_none_or_not_over_is_refused(command: Command, period: str, said: str) -> None:
    done = command("generate", "--period", period)
    assert done.code != ExitCode.OK
    assert said in done.err


def test_invoices_are_listed(command: Command) -> None:
    (row,) = json.loads(command("list", "--state", "draft", "--json").out)
    assert (row["number"], row["gross"], row["due"]) == ("R2026-0001", "595.00", "595.00")
    assert "There is no such invoice." in command("list", "--tenant", "7").out


def test_a_pdf_is_written(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "invoice.pdf"
    assert "its SHA-256 is" in command("pdf", "1", "-o", str(file)).out
    assert file.read_bytes().startswith(b"%PDF")
    assert "no invoice with the id 9" in command("pdf", "9", "-o", str(file)).err
    nowhere = command("pdf", "1", "-o", str(tmp_path / "none" / "invoice.pdf"))
    assert nowhere.code != ExitCode.OK


def test_one_is_sent_paid_and_credited(command: Command) -> None:
    assert jobs_of(MAIL_TASK) == []
    command("send", "1")
    assert len(jobs_of(MAIL_TASK)) == 1
    with transaction() as session:
        session.execute(update(Invoice).values(state="sent"))
    for day in ("2026-11-02", "2026-11-03"):
        assert "Invoice R2026-0001 is paid." in command("paid", "1", "--on", day).out
    assert "Credit note R2026-0002 (id 2) is a draft" in command("credit", "1").out
    assert "only a draft of an invoice is canceled" in command("cancel", "1").err


def test_a_draft_is_canceled(command: Command) -> None:
    assert "Invoice R2026-0001 is canceled." in command("cancel", "1").out
