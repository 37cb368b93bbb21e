"""Mail from the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.db.sessions import reading
from app.jobs.ledger.models import Job
from app.logs.failures import ExitCode
from tests.command_line import Outcome, groundwork

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Runs `groundwork mail ...`."""
    return lambda *arguments: groundwork(capsys, "mail", *arguments)


def test_a_mail_is_a_job(command: Callable[..., Outcome]) -> None:
    to = ["--to", "ann@example.org", "--to", "bob@example.org"]
    made = json.loads(command("send", *to, "--subject", "A test", "--json").out)
    with reading() as session:
        job = session.scalars(select(Job)).one()
    assert (job.id, job.task) == (made["id"], "mail.send_email")
    assert job.kwargs["to_addresses"] == ["ann@example.org", "bob@example.org"]


@pytest.mark.parametrize("address", ["ann", "@", "ann@", "a b@c.org\n"])
def test_what_is_no_address_is_not_suppressed(command: Callable[..., Outcome], address: str) -> None:
    assert command("suppress", address).code == ExitCode.BAD_INPUT
    assert command("suppressed", "--json").out.strip() == "[]"


@pytest.mark.parametrize("argument", ["gone\x07", "two\nlines", "\u200b"])
def test_a_reason_that_nobody_could_read_is_refused(command: Callable[..., Outcome], argument: str) -> None:
    outcome = command("suppress", "ann@example.org", "--reason", argument)
    assert outcome.code == ExitCode.BAD_INPUT
    assert "remove it" in outcome.err or "no visible" in outcome.err
    assert command("suppressed", "--json").out.strip() == "[]"


def test_what_is_no_address_is_said_at_once(command: Callable[..., Outcome]) -> None:
    outcome = command("send", "--to", "ann", "--subject", "A test")
    assert outcome.code == ExitCode.BAD_INPUT
    assert "to_addresses.0" in outcome.err


def test_addresses_are_suppressed_and_released(command: Callable[..., Outcome]) -> None:
    assert "No address is suppressed." in command("suppressed").out
    command("suppress", "Ann@Example.org", "--reason", "The mailbox does not exist.")
    (row,) = json.loads(command("suppressed", "--json").out)
    assert (row["address"], row["reason"]) == ("ann@example.org", "The mailbox does not exist.")
    assert command("unsuppress", "ANN@example.org").code == ExitCode.OK
    again = command("unsuppress", "ann@example.org")
    assert (again.code, again.err) == (ExitCode.FAILED, "ann@example.org is not suppressed.\n")
