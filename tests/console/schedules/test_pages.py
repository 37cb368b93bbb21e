"""The pages of schedules: what they show, and what is done there, once and written down."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from app.console.schedules import looks as shown
from app.db.clock import now as db_now
from app.db.sessions import reading, transaction
from app.domains.accounts.roles import Role
from app.domains.audit.service import OPERATION_TASK
from app.jobs.ledger.models import Job, State
from app.schedule import service
from app.schedule.fire import fire_now
from app.schedule.models import RunOutcome, ScheduleEntry, ScheduleRun
from app.schedule.views import ScheduleDraft
from tests.console.browser import HERE, signed_in

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from starlette.testclient import TestClient

pytestmark = pytest.mark.databases("sqlite")
SCHEDULES, NAME = "/console/schedules", "nightly"
PLACE = f"{SCHEDULES}/{NAME}"
TASK = "pricing.recompute_all_discounts"
SAID = (
    "alive a success is due within",
    "silent a success was due 2 h",
    "silent: no success was seen in time, noticed 5 min",
    "not watched while it does not fire",
    "not watched",
)
HOSTILE = "<img src=x onerror=alert(1)>\x1b[31m"


def add(name: str = NAME, **more: Any) -> None:
    draft = {"name": name, "task": TASK, "cron": "0 2 * * *"} | more
    with transaction() as session:
        service.create(session, ScheduleDraft.model_validate(draft))


def entry() -> ScheduleEntry:
    with reading() as session:
        return service.find(session, NAME)


def fields(client: TestClient) -> dict[str, str]:
    """The hidden fields of the page's forms."""
    return dict(re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', client.get(PLACE).text))


def jobs() -> list[str]:
    with reading() as session:
        return list(session.scalars(select(Job.id).where(Job.task == TASK)))


def written_down() -> list[dict[str, Any]]:
    with reading() as session:
        written = session.scalars(select(Job.kwargs).where(Job.task == OPERATION_TASK)).all()
    records = [record for kwargs in written for record in kwargs["records"]]
    return [record for record in records if record["path"].startswith(PLACE) and record["method"] == "JOB"]


def test_each_is_shown_with_its_state_and_those_that_need_a_look_come_first(database: Engine) -> None:
    add("a-well")
    add("z-failed")
    with transaction() as session:
        at = db_now(session) - timedelta(minutes=5)
        ended = {"outcome": RunOutcome.DEAD, "finished_at": at, "error": HOSTILE}
        session.add(ScheduleRun(schedule="z-failed", moment=at, fired_at=at, **ended))
    page = signed_in(Role.VIEWER).get(SCHEDULES).text
    assert page.index("z-failed") < page.index("a-well")
    assert "✗ failed" in page
    assert "At 02:00 every day (UTC)" in page
    assert re.search(r"in \d+ (h|min|s)", page)


def test_they_are_found_by_a_part_of_the_name_and_paged(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two", "three"):
        add(name)
    client = signed_in()
    found = client.get(SCHEDULES, params={"q": "T"}).text
    assert 'id="row-two"' in found
    assert 'id="row-one"' not in found
    assert "No schedule has “100%_” in its name" in client.get(SCHEDULES, params={"q": "100%_"}).text
    monkeypatch.setattr(shown, "MAX_ROWS", 2)
    first = client.get(SCHEDULES).text
    (more,) = re.findall(r'href="(/console/schedules\?[^"]*)">More', first)
    assert re.findall(r'id="row-(\w+)"', first) == ["one", "three"]
    assert re.findall(r'id="row-(\w+)"', client.get(more.replace("&amp;", "&")).text) == ["two"]


@pytest.mark.parametrize("query", ["q=" + "x" * 201, "after=" + "x" * 201])
def test_what_is_too_long_is_refused(database: Engine, query: str) -> None:
    assert signed_in().get(f"{SCHEDULES}?{query}").status_code == 422


@pytest.mark.parametrize("name", ["nobody", "a%20b", "%F0%9F%92%A9", "x" * 300, "..%2F..", "%FF"])
def test_one_that_is_not_there_is_said(database: Engine, name: str) -> None:
    answer = signed_in().get(f"{SCHEDULES}/{name}")
    assert answer.status_code in (404, 422)
    assert 'role="alert"' in answer.text


def test_one_shows_its_history_and_what_it_is_about_to_do(database: Engine) -> None:
    add(arguments={"days_threshold": 7}, success_within_seconds=3600)
    with transaction() as session:
        at = db_now(session) - timedelta(minutes=5)
        ended = {"started_at": at, "finished_at": at + timedelta(seconds=61), "error": HOSTILE}
        made = {"job_id": "an-id", "outcome": RunOutcome.DEAD} | ended
        session.add(ScheduleRun(schedule=NAME, moment=at, fired_at=at, **made))
    page = signed_in().get(PLACE).text
    assert page.count("02:00:00") >= 10
    assert "/console/jobs/an-id" in page
    assert "1 min 1 s" in page
    assert "&lt;img src=x onerror=alert(1)&gt;\\x1b[31m" in page
    assert "reported without one for 1 h" in page


def test_whether_somebody_waits_for_a_success_is_said_on_both_pages(database: Engine) -> None:
    add(success_within_seconds=3_600)
    client = signed_in(Role.VIEWER)

    def told() -> list[str]:
        found = [re.sub(r"<[^>]*>|\s+", " ", client.get(place).text) for place in (SCHEDULES, PLACE)]
        return [said for said in SAID if all(said in " ".join(page.split()) for page in found)]

    assert told() == ["alive a success is due within"]
    now = entry().created_at
    for values, expected in (
        ({"changed_at": now - timedelta(hours=3)}, "silent a success was due 2 h"),
        ({"overdue_since": now - timedelta(minutes=5)}, "silent: no success was seen in time, noticed 5 min"),
        ({"overdue_since": None, "enabled": False}, "not watched while it does not fire"),
        ({"success_within_seconds": None}, "not watched"),
    ):
        with transaction() as session:
            session.execute(update(ScheduleEntry).values(values))
        assert expected in told()


def test_one_that_runs_long_is_told_beside_how_long_others_took(database: Engine) -> None:
    add()
    with transaction() as session:
        began = db_now(session) - timedelta(minutes=10)
        took = {"started_at": began, "finished_at": began + timedelta(seconds=40)}
        session.add(ScheduleRun(schedule=NAME, moment=began, fired_at=began, outcome=RunOutcome.DONE, **took))
        job_id = fire_now(session, service.find(session, NAME))
        values = {"state": State.RUNNING, "started_at": began}
        session.execute(update(Job).where(Job.id == job_id).values(values))
    client = signed_in(Role.VIEWER)
    for place in (SCHEDULES, PLACE, "/console/calendar"):
        page = client.get(place).text
        assert "✗ running long" in page
        assert re.search(r"runs for 10 min( \d+ s)?, and none lately took longer than 40 s", page)


def test_a_viewer_sees_no_arguments_and_no_buttons(database: Engine) -> None:
    add(arguments={"days_threshold": 3_217})
    page = signed_in(Role.VIEWER).get(PLACE).text
    assert "days_threshold" in page
    assert "3217" not in page
    assert "Run now" not in page
    assert "3217" in signed_in(Role.OPERATOR).get(PLACE).text


def test_it_is_paused_and_resumed_once_each_and_written_down(database: Engine) -> None:
    add()
    client = signed_in()
    for act, enabled in (("pause", False), ("resume", True)):
        form = fields(client)
        for _ in range(2):
            answer = client.post(f"{PLACE}/{act}", data=form, headers=HERE)
            assert (answer.status_code, answer.headers["Location"]) == (303, PLACE)
        assert entry().enabled is enabled
    assert [(one["title"], one["arguments"]) for one in written_down()] == [
        ("Pause a schedule", {"before": "enabled", "after": "paused"}),
        ("Resume a schedule", {"before": "paused", "after": "enabled"}),
    ]


def test_one_that_was_changed_meanwhile_is_not_paused(database: Engine) -> None:
    add()
    client = signed_in()
    form = fields(client) | {"version": "999"}
    answer = client.post(f"{PLACE}/pause", data=form, headers=HERE)
    assert answer.status_code == 409
    assert "was changed since it was shown" in answer.text
    assert entry().enabled
    assert written_down() == []


def test_a_run_is_one_job_for_each_page_and_written_down(database: Engine) -> None:
    add()
    client = signed_in()
    form = fields(client)
    for _ in range(2):
        assert client.post(f"{PLACE}/run", data=form, headers=HERE).status_code == 303
    assert len(jobs()) == 1
    assert [(one["title"], one["arguments"]) for one in written_down()] == [
        ("Run a schedule now", {"job_id": jobs()[0]})
    ]
    assert f"/console/jobs/{jobs()[0]}" in client.get(PLACE).text
    assert client.post(f"{PLACE}/run", data=fields(client), headers=HERE).status_code == 303
    assert len(jobs()) == 2


@pytest.mark.parametrize("act", ["pause", "resume", "run"])
@pytest.mark.parametrize("value", ["", "-1", "1e9", "٣", "9" * 10, "x" * 5_000, "\x00", "\udcff"])
def test_what_no_page_sends_does_nothing(database: Engine, act: str, value: str) -> None:
    add()
    form = {"version": value, "once": value}
    body = {name: given.encode(errors="surrogateescape") for name, given in form.items()}
    answer = signed_in().post(f"{PLACE}/{act}", data=body, headers=HERE)
    assert answer.status_code in (415, 422)
    assert 'role="alert"' in answer.text
    assert entry().enabled
    assert jobs() == []


def test_a_task_whose_scope_is_missing_is_left_alone(database: Engine) -> None:
    with transaction() as session:
        draft = {"name": NAME, "task": "audit.delete_login_log", "cron": "0 2 * * *"}
        service.create(session, ScheduleDraft.model_validate(draft))
    client = signed_in(Role.VIEWER)
    for act in ("pause", "resume", "run"):
        assert client.post(f"{PLACE}/{act}", data={"version": "1"}, headers=HERE).status_code == 403
