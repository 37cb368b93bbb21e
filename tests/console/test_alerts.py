"""The page of alerts: what is wrong, what was, and what somebody has muted for a while."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.console import alerts
from app.db.sessions import reading, transaction
from app.domains.accounts.roles import Role
from app.domains.audit.service import OPERATION_TASK
from app.jobs.ledger.models import Job
from app.outbound.alerts import muting, service
from app.outbound.alerts.look import Look, Problem
from app.outbound.alerts.models import Alert, AlertMute
from tests.console.browser import HERE, signed_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from httpx import Response
    from sqlalchemy import Engine
    from starlette.testclient import TestClient

pytestmark = pytest.mark.databases("sqlite")
ALERTS, MUTE, UNMUTE = "/console/alerts", "/console/alerts/mute", "/console/alerts/unmute"
HOSTILE = "<img src=x onerror=alert(1)>\x1b[31mred\u202egnp.exe"
AN_HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def configured(database: Engine, configure: Callable[..., None]) -> None:
    assert database
    configure(alert_recovery_seconds=0)


def take(**problems: str) -> None:
    """Have the pools of these names be without workers, and all others well."""
    found = {name: Problem(sentence=sentence) for name, sentence in problems.items()}
    with transaction() as session:
        service.take(session, [Look(kind="workers", problems=found)])


def send(client: TestClient, path: str = MUTE, **fields: str) -> Response:
    until = (datetime.now(UTC) + AN_HOUR).isoformat()
    usual = {"kind": "workers", "subject": "bulk", "until": until, "reason": "New memory."}
    answer: Response = client.post(path, data=usual | fields, headers=HERE)
    return answer


def mutes() -> list[tuple[str, str, str]]:
    with reading() as session:
        return [(row.kind, row.subject, row.muted_by) for row in muting.muted(session)]


def noted() -> list[dict[str, Any]]:
    """The rows that the audit log is to have of what was done."""
    with reading() as session:
        jobs = session.scalars(select(Job).where(Job.task == OPERATION_TASK).order_by(Job.accepted_at)).all()
    records = [record for job in jobs for record in job.kwargs["records"]]
    return [record for record in records if record["method"] == "JOB"]


def test_what_is_open_and_what_is_over_is_shown_and_not_obeyed() -> None:
    take(bulk=HOSTILE)
    take(standard="It is gone.")
    page = signed_in().get(ALERTS)
    assert page.status_code == 200
    assert "It is gone." in page.text.partition("Over</h2>")[0]
    assert "&lt;img src=x onerror=alert(1)&gt;" in page.text.partition("Over</h2>")[2]
    assert "<img" not in page.text


def test_what_is_over_is_paged_and_stays_right_while_more_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "PAGE", 2)
    at = datetime.now(UTC)
    with transaction() as session:
        session.add_all(
            Alert(kind="disk", subject=f"h{number}", sentence="full", opened_at=at, closed_at=at)
            for number in range(5)
        )
    client, seen = signed_in(), []
    place: str | None = ALERTS
    while place:
        text = client.get(place).text
        seen += re.findall(r"<td>(h\d)</td>", text)
        older = re.search(r'<a href="([^"#]+)#recent">Older', text)
        place = unescape(older[1]) if older else None
    assert seen == ["h4", "h3", "h2", "h1", "h0"]


def test_somebody_mutes_one_with_a_reason_and_it_is_written_down() -> None:
    take(bulk="gone")
    client = signed_in()
    answer = send(client, reason="日本語: new <memory>")
    assert (answer.status_code, answer.headers["Location"]) == (303, ALERTS)
    assert mutes() == [("workers", "bulk", "user:1")]
    assert "日本語: new &lt;memory&gt;" in client.get(ALERTS).text
    (record,) = noted()
    assert (record["title"], record["path"]) == ("Mute alerts", "alerts/workers/bulk")
    assert record["user_name"] == "user:1"
    assert record["arguments"]["before"] is None
    assert record["arguments"]["after"]["reason"] == "日本語: new <memory>"


def test_a_form_that_is_sent_twice_is_one_act() -> None:
    client = signed_in()
    until = (datetime.now(UTC) + AN_HOUR).isoformat()
    for _ in range(2):
        assert send(client, until=until).status_code == 303
    assert (len(mutes()), len(noted())) == (1, 1)
    for _ in range(2):
        assert send(client, UNMUTE).status_code == 303
    assert (mutes(), [one["title"] for one in noted()]) == ([], ["Mute alerts", "Tell of alerts again"])


def test_a_whole_kind_is_muted_and_told_again_by_the_forms_of_the_page() -> None:
    take(bulk="gone")
    client = signed_in()
    text = client.get(ALERTS).text
    until = unescape(re.findall(r'<option value="([^"]+T[^"]+)">1 day', text)[0])
    assert send(client, of="kind", until=until).status_code == 303
    assert mutes() == [("workers", "*", "user:1")]
    page = client.get(ALERTS).text
    assert "Muted until" in page.partition("Muted</h2>")[0]
    assert client.post(UNMUTE, data={"kind": "workers", "of": "kind"}, headers=HERE).status_code == 303
    assert mutes() == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": ""}, "which kind"),
        ({"kind": "wrokers"}, "Did you mean &#34;workers&#34;"),
        ({"reason": " "}, "a reason is missing"),
        ({"reason": "x" * 501}, "may have 500"),
        ({"reason": "a\x00b"}, "control character"),
        ({"until": ""}, "one of the times"),
        ({"until": "tomorrow"}, "one of the times"),
        ({"until": "2026-01-01T00:00"}, "one of the times"),
        ({"until": "2026-01-01T00:00:00+00:00"}, "a time to come"),
        ({"until": "9999-12-31T23:59:59+00:00"}, "at most 90 days"),
        ({"until": "0001-01-01T00:00:00+14:00"}, "a time to come"),
    ],
)
def test_what_cannot_be_done_is_said_and_not_done(fields: dict[str, str], said: str) -> None:
    answer = send(signed_in(), **fields)
    assert answer.status_code == 422
    assert said in answer.text
    assert (mutes(), noted()) == ([], [])


def test_a_viewer_sees_no_alerts_and_mutes_none() -> None:
    viewer = signed_in(Role.VIEWER)
    assert viewer.get(ALERTS).status_code == 403
    assert send(viewer).status_code == 403
    assert "/console/alerts" not in viewer.get("/console").text
    with reading() as session:
        assert session.scalars(select(AlertMute)).all() == []


@pytest.mark.parametrize("before", ["0", "-1", "x", "1e9", str(2**70)])
def test_a_place_that_is_none_is_said(before: str) -> None:
    answer = signed_in().get(ALERTS, params={"before": before})
    assert (answer.status_code, 'role="alert"' in answer.text) == (422, True)
