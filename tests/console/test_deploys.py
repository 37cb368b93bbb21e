"""The page of releases: who works by which, and jobs of tasks that the one shown does not have."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text, update

from app.console import deploys
from app.db.sessions import transaction
from app.domains.accounts.roles import Role
from app.jobs.fleet import Life
from app.jobs.ledger.models import Job, State, Worker
from app.settings.config import settings
from tests.console.browser import signed_in
from tests.console.test_queues import HOSTILE, add_worker
from tests.jobs import samples
from tests.jobs.ends import accepted, change, finish, roll_up

if TYPE_CHECKING:
    from sqlalchemy import Engine

pytestmark = pytest.mark.usefixtures("redis_server")
DEPLOYS = "/console/deploys"


def test_releases_are_told_by_their_workers_and_the_one_that_shows_them(database: Engine) -> None:
    add_worker("a", "standard@a")
    add_worker("b", "standard@b", signed_off=True)
    with transaction() as session:
        session.execute(update(Worker).values(release=HOSTILE))
    ours, old = deploys.look().releases or ()
    assert (old.name, old.workers[Life.TAKES_JOBS], old.workers[Life.DRAINS]) == (HOSTILE, 1, 1)
    assert (ours.name, ours.is_ours, ours.since) == (settings().release, True, None)
    page = signed_in(Role.VIEWER).get(DEPLOYS).text
    assert "&lt;img" in page
    assert "\x1b" not in page


def test_jobs_of_a_task_that_is_gone_are_counted_while_they_live(database: Engine) -> None:
    gone = accepted(4)
    change(gone, task="shop.gone")
    change(gone[:1], state=State.DONE)
    change(gone[1:2], state=State.SCHEDULED)
    accepted()
    [found] = deploys.look().unknown or ()
    assert (found.name, dict(found.jobs)) == (
        "shop.gone",
        {State.SCHEDULED: 1, State.READY: 2, State.RUNNING: 0},
    )
    assert "shop.gone" in signed_in(Role.VIEWER).get(DEPLOYS).text
    with transaction() as session:
        session.execute(update(Job).where(Job.task == "shop.gone").values(state=State.CANCELLED.value))
    assert "No job waits for a task" in signed_in().get(DEPLOYS).text


def test_a_task_is_new_until_a_job_of_it_has_ended(database: Engine) -> None:
    assert samples.greet.name in (deploys.look().unused or ())
    finish(accepted(), ago=timedelta(minutes=1))
    roll_up()
    unused = deploys.look().unused or ()
    assert samples.greet.name not in unused
    assert samples.internal.name in unused
    assert samples.idle.name not in unused


@pytest.mark.databases("postgresql")
def test_what_takes_too_long_leaves_the_rest(database: Engine) -> None:
    client = signed_in()
    with transaction() as session:
        session.execute(text("LOCK TABLE job IN ACCESS EXCLUSIVE MODE"))
        page = client.get(DEPLOYS)
    assert (page.status_code, "was left out" in page.text) == (200, True)
    assert samples.greet.name in page.text
