"""The tasks of integrations, run by real workers against providers that are real servers."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.db.sessions import reading
from app.domains.billing.integrations import tasks
from app.domains.billing.integrations.models import Health, SlackStatusChange
from app.domains.billing.integrations.slack import handling
from app.jobs.declaration.registry import tasks as declared
from app.jobs.ledger.models import Job, State
from app.schedule.spec import cron
from app.topology import Queue
from tests.domains.billing.integrations.sides import google_side, graph_side
from tests.domains.billing.integrations.stored import (
    change,
    connect,
    connect_slack,
    events,
    integration,
    present,
    told,
)
from tests.fakes.calendar_book import Entry
from tests.fakes.http_server import Answer
from tests.fakes.slack import PROFILE, TEST, busy
from tests.servers import wait_until

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.domains.billing.integrations.sides import Side
    from tests.fakes.google import GoogleServer
    from tests.fakes.slack import SlackServer
    from tests.fleet import Fleet, Process

pytestmark = pytest.mark.databases("postgresql")

SECONDS = 60
TODAY = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
ADA, BOB = "U0ADA", "U0BOB"
#: Enough for two pages of either calendar.
TWO_PAGES = 260


@pytest.fixture(params=["google", "graph"])
def side(request: pytest.FixtureRequest, database: Engine) -> Side:
    """Each calendar in turn; workers that are started later know where it is."""
    server = request.getfixturevalue(request.param)
    return google_side(server) if request.param == "google" else graph_side(server)


def start_worker(fleet: Fleet, name: str = "integrations") -> Process:
    return fleet.start_worker(name, queues=",".join(Queue))


class Dying:
    """A worker that dies when this is called, while a provider has its question."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._asked = threading.Event()
        # A job that has to wait for its turn is sent again by beat.
        fleet.start_beat()
        self._worker = start_worker(fleet, "first")

    def __call__(self) -> None:
        self._worker.kill()
        self._asked.set()

    def wait(self) -> None:
        assert self._asked.wait(SECONDS), "nobody asked"

    def replaced(self) -> None:
        """Another does the rest."""
        self.wait()
        start_worker(self._fleet, "second")


def jobs(task: str) -> list[Job]:
    with reading() as session:
        return list(session.scalars(select(Job).where(Job.task == task).order_by(Job.accepted_at, Job.id)))


def wait_for(task: str, *, state: State = State.DONE, count: int = 1) -> list[Job]:
    wait_until(
        lambda: [job.state for job in jobs(task)] == [state] * count,
        seconds=SECONDS,
        what=f"{count} jobs of {task} are {state}",
    )
    return jobs(task)


def fill(side: Side, *, count: int) -> set[str]:
    for number in range(count):
        side.server.book.put(
            Entry(id=f"e{number}", start=TODAY, end=TODAY + timedelta(hours=1), title=f"Meeting {number}")
        )
    return {f"e{number}" for number in range(count)}


def test_each_task_has_its_queue_and_schedule() -> None:
    found = {
        name: (spec.queue, spec.schedule, spec.public)
        for name, spec in declared().items()
        if name.startswith("integrations.")
    }
    queue = Queue.INTEGRATIONS
    assert found == {
        "integrations.sync_google_calendar": (queue, cron("*/30 * * * *"), True),
        "integrations.sync_outlook_calendar": (queue, cron("*/30 * * * *"), True),
        "integrations.sync_slack_status": (queue, cron("*/15 * * * *"), True),
        "integrations.health_check_integrations": (queue, cron("0 * * * *"), True),
        tasks.SYNC_TASK: (queue, None, False),
        handling.STATUS_TASK: (queue, None, False),
        handling.CHECK_TASK: (queue, None, False),
        handling.HANDLE_TASK: (queue, None, False),
        "integrations.revoke_access": (queue, None, False),
    }


def ask(side: Side, user_id: int | None = None) -> dict[str, int]:
    """Ask for a round by the task that the seed names, and wait until it has asked for the syncs."""
    task = tasks.sync_google_calendar if side.name == "Google" else tasks.sync_outlook_calendar
    return dict(task.delay(user_id=user_id).get(timeout=SECONDS))


def test_a_round_reads_every_calendar_and_a_second_one_finds_nothing_new(side: Side, fleet: Fleet) -> None:
    ids = fill(side, count=TWO_PAGES)
    connected = connect(side)
    fleet.start_beat()
    start_worker(fleet)
    assert ask(side) == {"integrations": 1, "queued": 1, "already_queued": 0}
    (first,) = wait_for(tasks.SYNC_TASK)
    assert first.result is not None
    assert first.result["events"] == TWO_PAGES
    assert present(connected) == ids
    ask(side)
    _, again = wait_for(tasks.SYNC_TASK, count=2)
    assert again.result is not None
    assert (again.result["events"], again.result["pages"]) == (0, 1)
    assert present(connected) == ids


def test_a_round_of_one_user_leaves_the_others_alone(google: GoogleServer, fleet: Fleet) -> None:
    side = google_side(google)
    fill(side, count=1)
    mine, others = connect(side), connect(side, email="bob@example.com")
    start_worker(fleet)
    fleet.start_beat()
    assert ask(side, integration(mine).user_id)["queued"] == 1
    wait_for(tasks.SYNC_TASK)
    assert (present(mine), present(others)) == ({"e0"}, set())


def test_a_sync_whose_worker_dies_between_pages_is_done_by_another(side: Side, fleet: Fleet) -> None:
    ids = fill(side, count=TWO_PAGES)
    connected = connect(side)
    dying = Dying(fleet)
    side.server.plan(side.events, None, dying)
    job_id = declared_sync(connected)
    dying.wait()
    assert 0 < len(events(connected)) < TWO_PAGES
    dying.replaced()
    (done,) = wait_for(tasks.SYNC_TASK)
    assert (done.id, done.attempt) == (job_id, 2)
    assert present(connected) == ids


def declared_sync(connected: int) -> str:
    return str(tasks.sync_calendar.delay(integration_id=connected).id)


def test_trouble_that_passes_is_waited_out(google: GoogleServer, fleet: Fleet) -> None:
    side = google_side(google)
    ids = fill(side, count=3)
    connected = connect(side)
    side.server.plan(
        side.events,
        side.problem(429, "rateLimitExceeded", Retry_After="2"),
        side.problem(401, "authError"),
        Answer(status=200, body=b"<html>"),
    )
    fleet.start_beat()
    start_worker(fleet)
    declared_sync(connected)
    (done,) = wait_for(tasks.SYNC_TASK)
    assert done.attempt == 3
    assert (present(connected), integration(connected).generation) == (ids, 2)


def test_a_permission_that_is_gone_is_told_and_the_next_round_leaves_it_out(side: Side, fleet: Fleet) -> None:
    connected = connect(side)
    side.server.oauth.revoke()
    fleet.start_beat()
    start_worker(fleet)
    ask(side)
    wait_for(tasks.SYNC_TASK)
    assert integration(connected).is_enabled is False
    assert ask(side) == {"integrations": 0, "queued": 0, "already_queued": 0}
    assert len(told()) == 1


def test_statuses_are_noted_once_and_a_workspace_that_is_busy_is_asked_later(
    slack: SlackServer, fleet: Fleet
) -> None:
    slack.set_status(ADA, "In a meeting")
    connect_slack(slack, ADA)
    slack.plan(PROFILE, busy(retry_after="1"))
    fleet.start_beat()
    start_worker(fleet)
    assert dict(tasks.sync_slack_status.delay().get(timeout=SECONDS))["queued"] == 1
    (done,) = wait_for(handling.STATUS_TASK)
    assert done.attempt == 2
    tasks.sync_slack_status.delay().get(timeout=SECONDS)
    wait_for(handling.STATUS_TASK, count=2)
    with reading() as session:
        assert session.scalars(select(SlackStatusChange.status_text)).all() == ["In a meeting"]


def test_a_look_at_a_workspace_whose_worker_dies_is_gone_on_with_by_another(
    slack: SlackServer, fleet: Fleet
) -> None:
    for user_id in (ADA, BOB):
        slack.set_status(user_id, f"{user_id} is away")
    connected = connect_slack(slack, ADA, BOB)
    dying = Dying(fleet)
    slack.plan(PROFILE, None, dying)
    tasks.sync_workspace_statuses.delay(integration_id=connected)
    dying.replaced()
    (done,) = wait_for(handling.STATUS_TASK)
    assert done.attempt == 2
    with reading() as session:
        noted = session.scalars(select(SlackStatusChange.status_text)).all()
    assert sorted(noted) == [f"{ADA} is away", f"{BOB} is away"]
    # The one that was noted was not asked about again.
    assert slack.count(PROFILE) == 3


def test_a_check_whose_worker_dies_is_done_by_another_and_told_once(slack: SlackServer, fleet: Fleet) -> None:
    connected = connect_slack(slack, ADA)
    slack.tokens.clear()
    dying = Dying(fleet)
    slack.plan(TEST, dying)
    tasks.check_health.delay(integration_id=connected)
    dying.replaced()
    (done,) = wait_for(handling.CHECK_TASK)
    assert (done.attempt, done.result) == (2, "broken")
    tasks.check_health.delay(integration_id=connected)
    wait_for(handling.CHECK_TASK, count=2)
    assert told() == ["Slack is not read any more"]


def test_every_connection_is_checked(google: GoogleServer, slack: SlackServer, fleet: Fleet) -> None:
    calendar, workspace = connect(google_side(google)), connect_slack(slack, ADA)
    change(calendar, health=Health.DEGRADED, failures=2)
    slack.tokens.clear()
    fleet.start_beat()
    start_worker(fleet)
    assert dict(tasks.health_check_integrations.delay().get(timeout=SECONDS))["queued"] == 2
    checks = wait_for(handling.CHECK_TASK, count=2)
    assert sorted(str(job.result) for job in checks) == ["broken", "healthy"]
    assert (integration(calendar).health, integration(workspace).health) == (Health.HEALTHY, Health.BROKEN)
    assert sorted(told()) == ["Google Calendar works again", "Slack is not read any more"]
