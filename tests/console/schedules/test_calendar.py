"""The calendar of schedules: a week in one zone, and what nobody can mean said in a sentence."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.console.schedules import calendar
from app.db.sessions import transaction
from app.domains.accounts.roles import Role
from app.schedule import service
from app.schedule.models import RunOutcome, ScheduleRun
from app.schedule.views import ScheduleDraft
from tests.console.browser import signed_in

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from starlette.testclient import TestClient

pytestmark = pytest.mark.databases("sqlite")
CALENDAR, TASK = "/console/calendar", "pricing.recompute_all_discounts"
DAY = timedelta(days=1)


def add(name: str, **rule: Any) -> None:
    with transaction() as session:
        service.create(session, ScheduleDraft.model_validate({"name": name, "task": TASK, **rule}))


def names(page: str) -> list[str]:
    return re.findall(r'id="row-([\w-]+)"', page)


def more_of(page: str) -> str:
    (more,) = re.findall(r'href="(/console/calendar\?[^"]*)">More', page)
    return str(more).replace("&amp;", "&")


def test_moments_are_told_in_words_and_many_of_a_day_as_a_number(database: Engine) -> None:
    add("nightly", cron="0 2 * * *", timezone="Europe/Berlin")
    add("often", every_seconds=300)
    now = datetime.now(UTC).replace(microsecond=0)
    with transaction() as session:
        ended = {"outcome": RunOutcome.DEAD, "started_at": now, "finished_at": now + timedelta(seconds=5)}
        session.add(ScheduleRun(schedule="nightly", moment=now, fired_at=now, job_id="a-job", **ended))
    client = signed_in(Role.VIEWER)
    page = client.get(CALENDAR).text
    assert "Days and times are of UTC" in page
    assert re.search(r'<a href="/console/jobs/a-job"><span class="state problem">.*dead', page)
    assert ">5 s<" in page
    ahead = client.get(CALENDAR, params={"week": f"{now + 7 * DAY:%Y-%m-%d}"}).text
    assert ahead.count("288 <span aria-hidden") == 7
    assert ahead.count("0 missed") == 7
    assert "Every 5min" in ahead
    assert len(re.findall(r"0[01]:00</time>", ahead)) == 7


def test_a_week_begins_on_monday_and_leads_to_its_neighbours(database: Engine) -> None:
    add("nightly", cron="0 2 * * *", timezone="Europe/Berlin")
    page = signed_in().get(CALENDAR, params={"week": "2027-03-28", "q": "night"}).text
    assert 'value="2027-03-22"' in page
    assert f'href="{CALENDAR}?week=2027-03-15&amp;q=night"' in page
    assert f'href="{CALENDAR}?week=2027-03-29&amp;q=night"' in page
    assert "its clocks change on Sun 03-28" in page
    # At two there is no such time that night: it fires when the clocks have gone on.
    assert re.findall(r"(0[012]:00)</time>", page) == [*["01:00"] * 6, "01:00"]


@pytest.mark.parametrize(
    "week",
    ["2026-02-30", "nonsense", "٢٠٢٦-01-01", "9999-12-31", "0001-01-01", "1e9", "2026-W07", "<b>", "-" * 200],
)
def test_no_day_is_said_with_one_that_is(database: Engine, week: str) -> None:
    answer = signed_in().get(CALENDAR, params={"week": week})
    assert answer.status_code == 422
    assert "week: Give a day from 2000-01-03 until" in answer.text
    assert "<b>" not in answer.text


@pytest.mark.parametrize("query", ["q=" + "x" * 10_000, "week=" + "1" * 201, "after=%00", "week=%FF"])
def test_what_no_page_asks_is_refused(database: Engine, query: str) -> None:
    answer = signed_in().get(f"{CALENDAR}?{query}")
    assert answer.status_code in (400, 422)
    assert 'role="alert"' in answer.text


def test_a_page_has_as_many_as_can_be_looked_at_together(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    add("a", cron="* * * * *")
    add("b", cron="0 2 * * *")
    add("c", every_seconds=1)
    add("d", cron="0 2 * * *")
    client: TestClient = signed_in()
    pages = [client.get(CALENDAR).text]
    while "More</a>" in pages[-1]:
        pages.append(client.get(more_of(pages[-1])).text)
    assert [names(page) for page in pages] == [["a", "b"], ["c"], ["d"]]
    assert (
        "86,400 <span"
        in client.get(CALENDAR, params={"week": f"{datetime.now(UTC) + 7 * DAY:%Y-%m-%d}", "q": "c"}).text
    )
    monkeypatch.setattr(calendar, "MAX_ROWS", 1)
    assert names(client.get(CALENDAR).text) == ["a"]


def test_without_a_schedule_it_says_so(database: Engine) -> None:
    assert "No schedule has “x_%” in its name" in signed_in().get(CALENDAR, params={"q": "x_%"}).text


def test_before_what_is_kept_it_says_that_nothing_is(database: Engine) -> None:
    add("nightly", cron="0 2 * * *")
    page = signed_in().get(CALENDAR, params={"week": "2020-01-06"}).text
    assert "is not kept" in page
    assert 'href="/console/calendar?week=2019-12-30"' in page
