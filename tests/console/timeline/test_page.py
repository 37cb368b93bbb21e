"""The page of the timeline: what ended above what happened, each for whom it is."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from app.db.sessions import transaction
from app.domains.accounts.roles import Role
from app.health.releases.models import ReleaseStart
from app.jobs.statistics import adding
from app.jobs.statistics.sums import ATTEMPT, FINISHED, RUN, WAIT, Counted
from app.outbound.alerts.models import Alert
from app.schedule.models import RunOutcome, ScheduleRun
from tests.console.browser import signed_in
from tests.console.test_failures import fail
from tests.domains.audit.log import record, write
from tests.jobs.ends import accepted

if TYPE_CHECKING:
    from sqlalchemy import Engine

TIMELINE = "/console/timeline"
HOSTILE = "<img src=x onerror=alert(1)>\x1b[31mred\u202egnp.exe"
AN_HOUR = timedelta(hours=1)


def count(kind: str, bucket: str, *, ends: int, ago: timedelta = AN_HOUR) -> None:
    minute = adding.floor(datetime.now(UTC) - ago, adding.MINUTE)
    with transaction() as session:
        adding.add(session, [Counted("a.b", "default", kind, bucket, minute, ends, 0.0)])


def fill() -> None:
    """Something of everything, an hour ago."""
    at = datetime.now(UTC) - AN_HOUR
    count(FINISHED, "done", ends=1_000)
    count(FINISHED, "dead", ends=3)
    count(ATTEMPT, "lost", ends=2)
    count(RUN, "0.5", ends=1_000)
    count(WAIT, "60", ends=1_000)
    with transaction() as session:
        session.add(Alert(kind="disk", subject="h1", sentence=HOSTILE, opened_at=at))
        session.add(ScheduleRun(schedule="evening", moment=at, fired_at=at, outcome=RunOutcome.MISSED))
        session.add(ReleaseStart(release="r-7", began_at=at))
    write(
        record(
            at=int(at.timestamp() * 1e9), method="JOB", title="Mute alerts", path="alerts/disk", user_id=99
        ),
        record(at=int(at.timestamp() * 1e9), method="POST", title="Submit a job", path="/api/v1/jobs"),
    )


def captions(page: str) -> dict[str, str]:
    return dict(re.findall(r"<figcaption>([^:]+): ([^<]*)</figcaption>", page))


def test_what_ended_and_what_happened_are_on_one_axis(database: Engine) -> None:
    fill()
    page = signed_in(Role.ADMIN).get(TIMELINE).text
    assert captions(page) == {
        "Jobs that ended": "1,003, at most 1,003 in 15m",
        "Jobs that died": "3, at most 3 in 15m",
        "Attempts that failed": "2, at most 2 in 15m",
        "Attempts lost with their workers": "2, at most 2 in 15m",
        "Wait, p95": "at most 58.5 s",
        "Run, p95": "at most 0.487 s",
        "Releases": "1",
        "Alerts": "1",
        "Missed schedules": "1",
        "Acts": "1",
    }
    for said in ("Release r-7 began", "evening missed its moment", "Mute alerts alerts/disk"):
        assert said in page
    assert "Submit a job" not in page
    assert "<img" not in page
    assert "disk h1: &lt;img src=x onerror=alert(1)&gt;\\x1b[31mred" in page


@pytest.mark.databases("sqlite")
def test_each_role_sees_what_it_may(database: Engine) -> None:
    fill()
    operator = captions(signed_in(Role.OPERATOR).get(TIMELINE).text)
    assert (operator["What you did"], operator["Alerts"]) == ("none", "1")
    viewer = captions(signed_in(Role.VIEWER).get(TIMELINE).text)
    assert "Alerts" not in viewer
    assert viewer["What you did"] == "none"


@pytest.mark.databases("sqlite")
def test_what_was_before_is_not_shown_and_what_lasts_is(database: Engine) -> None:
    fill()
    page = signed_in(Role.ADMIN).get(TIMELINE, params={"span": "1h"}).text
    after = signed_in(Role.OPERATOR).get(
        TIMELINE, params={"span": "6h", "until": f"{datetime.now(UTC) - 3 * AN_HOUR:%Y-%m-%dT%H:%M}"}
    )
    assert captions(page)["Alerts"] == "1"
    assert captions(after.text)["Jobs that ended"] == "none"
    assert captions(after.text)["Alerts"] == "none"


@pytest.mark.databases("sqlite")
def test_an_empty_ledger_has_a_page_and_what_cannot_be_asked_is_said(database: Engine) -> None:
    client = signed_in()
    for span in ("1h", "6h", "1d", "7d", "30d"):
        assert client.get(TIMELINE, params={"span": span}).status_code == 200
    assert client.get(TIMELINE, params={"span": "30d", "until": "2001-01-01T00:00"}).status_code == 200
    refused = client.get(TIMELINE, params={"span": HOSTILE})
    assert (refused.status_code, "give one of 1h, 6h" in refused.text) == (422, True)


@pytest.mark.databases("postgresql")
def test_what_takes_too_long_leaves_the_rest(database: Engine) -> None:
    fill()
    client = signed_in(Role.ADMIN)
    with transaction() as session:
        session.execute(text("LOCK TABLE alert IN ACCESS EXCLUSIVE MODE"))
        page = client.get(TIMELINE).text
    found = captions(page)
    assert found["Alerts"].startswith("not known.")
    assert found["Jobs that died"] == "3, at most 3 in 15m"


@pytest.mark.databases("sqlite")
def test_a_month_of_much_is_a_small_page(database: Engine) -> None:
    for hour in range(7 * 24):
        count(FINISHED, "done", ends=1_000_000 + hour, ago=hour * AN_HOUR)
    page = signed_in().get(TIMELINE, params={"span": "7d"}).text
    assert len(page) <= 80 * 1024


@pytest.mark.databases("sqlite")
def test_a_span_is_handed_on_as_one_file_with_the_jobs_that_failed_in_it(database: Engine) -> None:
    fill()
    inside, outside = accepted(2)
    fail(inside, "ValueError: 1", hours=2)
    fail(outside, "ValueError: 2", hours=30)
    client = signed_in(Role.ADMIN)
    link = re.search(r'href="(/console/timeline/evidence[^"]*)"', client.get(f"{TIMELINE}?span=1d").text)
    assert link
    found = client.get(unescape(link[1])).json()
    assert [one["job"]["id"] for one in found["jobs"]] == [inside]
    assert [one["title"] for one in found["errors"]] == ["ValueError: #"]
    assert found["statistics"]["total"]["dead"] == 3
    assert found["happened"]["Releases"][0]["text"].startswith("Release r-7 began")
    assert "Mute alerts" in json.dumps(found["happened"]["Acts"])
    assert "Acts" not in signed_in(Role.VIEWER).get(unescape(link[1])).json()["happened"]
    for wrong in ("?span=2y", "?until=yesterday", "?other=1", "?until=" + "9" * 10_000):
        answer = client.get(f"{TIMELINE}/evidence.json{wrong}")
        assert (answer.status_code, 'role="alert"' in answer.text) == (422, True), wrong
