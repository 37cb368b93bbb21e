"""Alerts from the command line."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.db.sessions import reading, transaction
from app.jobs.ledger.models import Job
from app.logs.failures import ExitCode
from app.outbound.alerts import service
from app.outbound.alerts.look import Look, Problem
from tests.command_line import groundwork

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from tests.fakes.hooks import HookServer
    from tests.fakes.smtp import MailServer

pytestmark = pytest.mark.databases("sqlite")


def test_a_test_goes_through_each_channel_without_the_database(
    hooks: HookServer, smtp: MailServer, configure: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    configure(database_url="postgresql://nobody@127.0.0.1:1/none")
    configure(
        alert_mail="ops@example.org",
        alert_slack_urls=hooks.slack_url,
        alert_webhook_urls=hooks.hook_url,
        alert_command='["/bin/true"]',
    )
    outcome = groundwork(capsys, "alerts", "test", "--json")
    assert [row["outcome"] for row in json.loads(outcome.out)] == ["sent"] * 4
    assert (outcome.code, len(hooks.taken), len(smtp.mails)) == (ExitCode.OK, 2, 1)
    assert "[Groundwork] Test of alerts" in hooks.texts[0]


def test_a_channel_that_fails_is_named_with_the_reason_and_the_others_are_told(
    hooks: HookServer, configure: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    configure(alert_slack_urls=f"{hooks.url}/gone/verysecretpart {hooks.slack_url}", alert_command='["/no"]')
    outcome = groundwork(capsys, "alerts", "test", "--json")
    rows = json.loads(outcome.out)
    assert [row["outcome"] for row in rows] == ["failed", "sent", "failed"]
    assert "404: no_service" in rows[0]["error"]
    assert "/no cannot be started" in rows[2]["error"]
    assert outcome.code == ExitCode.FAILED
    assert "verysecretpart" not in outcome.out + outcome.err


def test_without_a_channel_the_settings_are_named(
    configure: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    configure()
    outcome = groundwork(capsys, "alerts", "test")
    assert outcome.code == ExitCode.FAILED
    assert "GROUNDWORK_ALERT_SLACK_URLS" in outcome.out


def test_what_nobody_can_find_well_is_closed_by_hand(
    database: Engine, configure: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    assert database
    configure()
    with transaction() as session:
        service.take(session, [Look(kind="disk", problems={"gone-host": Problem(sentence="full")})])
    assert "is closed" in groundwork(capsys, "alerts", "close", "1").out
    again = groundwork(capsys, "alerts", "close", "1")
    assert (again.code, "No alert with the id 1 is open" in again.err) == (ExitCode.FAILED, True)


def test_what_is_open_is_listed_and_what_is_over_on_demand(
    database: Engine, configure: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    assert database
    configure(alert_recovery_seconds=0)
    full = Look(kind="disk", problems={"worker-1": Problem(sentence="The disk is full.", fix="Make room.")})
    with transaction() as session:
        service.take(session, [full, Look(kind="redis", problems={"": Problem(sentence="gone")})])
    with transaction() as session:
        service.take(session, [Look(kind="redis")])
    assert [row["kind"] for row in json.loads(groundwork(capsys, "alerts", "list", "--json").out)] == ["disk"]
    both = json.loads(groundwork(capsys, "alerts", "list", "--closed", "--json").out)
    assert [row["kind"] for row in both] == ["redis", "disk"]


def written_down() -> list[dict[str, Any]]:
    """What the audit log is to keep."""
    with reading() as session:
        kept = select(Job.kwargs).where(Job.task == "audit.log_operation_task")
        return [record for kwargs in session.scalars(kept) for record in kwargs["records"]]


def test_what_is_muted_is_listed_with_its_reason_and_can_be_told_again(
    database: Engine, configure: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    assert database
    configure()
    with transaction() as session:
        service.take(session, [Look(kind="workers", problems={"bulk": Problem(sentence="gone")})])
    muted = groundwork(capsys, "alerts", "mute", "workers", "bulk", "--for", "2h", "--reason", "日本語")
    assert (muted.code, "Alerts of workers bulk are not told until" in muted.out) == (ExitCode.OK, True)
    (row,) = json.loads(groundwork(capsys, "alerts", "mutes", "--json").out)
    assert (row["kind"], row["subject"], row["reason"]) == ("workers", "bulk", "日本語")
    assert "on the command line" in row["muted_by"]
    (alert,) = json.loads(groundwork(capsys, "alerts", "list", "--json").out)
    assert alert["muted_until"] == row["until"]
    assert "told again" in groundwork(capsys, "alerts", "unmute", "workers", "bulk").out
    again = groundwork(capsys, "alerts", "unmute", "workers", "bulk")
    assert (again.code, "are not muted" in again.err) == (ExitCode.FAILED, True)
    muted_then, told_again = written_down()
    assert (muted_then["title"], muted_then["path"]) == ("Mute alerts", "alerts/workers/bulk")
    assert muted_then["user_name"] == told_again["user_name"] == row["muted_by"]
    until = datetime.fromisoformat(row["until"]).isoformat()
    assert muted_then["arguments"] == {"before": None, "after": {"until": until, "reason": "日本語"}}
    before = {"until": until, "reason": "日本語", "by": row["muted_by"]}
    assert (told_again["title"], told_again["arguments"]) == (
        "Tell of alerts again",
        {"before": before, "after": None},
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("wrokers", "--reason", "x", "--for", "1h"), 'Did you mean "workers"?'),
        (("wor\x00kers", "--reason", "x", "--for", "1h"), "no alerts of the kind"),
        (("workers", "--reason", " ", "--for", "1h"), "in a few words why"),
        (("workers", "--reason", "x", "--for", "91d"), "at most 90 days"),
        (("workers", "--reason", "x", "--for", "0s"), "a time to come"),
        (("workers", "--reason", "x", "--for", "tomorrow"), "is not a duration"),
    ],
)
def test_what_cannot_be_muted_is_said_in_a_sentence(
    database: Engine,
    configure: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    said: str,
) -> None:
    assert database
    configure()
    refused = groundwork(capsys, "alerts", "mute", *arguments)
    assert refused.code != ExitCode.OK
    assert said in " ".join(refused.err.replace("│", " ").split())
    assert json.loads(groundwork(capsys, "alerts", "mutes", "--json").out) == []
