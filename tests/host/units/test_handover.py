"""A worker hands over to the next without a job killed, repeated or left waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.host.units.conftest import POOL
from tests.host.units.unit import TIMEOUT_SECONDS, Jobs, Unit, is_running, now
from tests.servers import wait_until

if TYPE_CHECKING:
    from testinfra.host import Host

pytestmark = [pytest.mark.systemd, pytest.mark.on("workers")]
#: Longer than a handover takes.
LONG_SECONDS = 20


def test_a_reload_neither_kills_nor_repeats_the_job_that_runs(host: Host, worker: Unit, jobs: Jobs) -> None:
    before, restarts = worker.main_pid, worker.restarts
    job_id = jobs.begin_nap("long", seconds=LONG_SECONDS)

    worker.succeed("reload")

    assert worker.main_pid not in (0, before)
    assert jobs.are_done(POOL)
    job = jobs.wait_until_done(job_id)
    assert jobs.diary == ["long begins", "long ends"]
    assert [attempt["outcome"] for attempt in job["attempts"]] == ["done"]  # type: ignore[attr-defined]
    wait_until(lambda: not is_running(host, before), seconds=TIMEOUT_SECONDS, what="the old one has ended")
    assert (worker.restarts, worker.is_active) == (restarts, True)


def test_a_reload_that_fails_says_why_and_leaves_the_old_worker_at_work(
    host: Host, worker: Unit, jobs: Jobs
) -> None:
    before, began = worker.main_pid, now(host)
    job_id = jobs.begin_nap("meanwhile", seconds=1)
    broken = host.check_output("find /opt/groundwork/current/ -path '*/app/units_test/__init__.py'")
    host.check_output("printf %%s %s > %s", "import no_such_thing\n", broken)

    code, _ = worker.command("reload")

    host.check_output("rm %s", broken)
    assert code != 0
    assert "No module named 'no_such_thing'" in worker.said_since(began)
    assert (worker.main_pid, worker.is_active) == (before, True)
    jobs.wait_until_done(job_id)
    assert jobs.are_done(POOL)


def test_a_worker_that_is_killed_is_back(host: Host, worker: Unit) -> None:
    before = worker.main_pid
    host.check_output("kill -KILL %s", str(before))
    worker.wait_for_another_process(before)
    assert Jobs(host).are_done(POOL)


@pytest.mark.parametrize("stale", ["1\n", "4194304\n", "{own}\n", "no number", "", None])
def test_a_stale_pidfile_does_not_stop_a_start(host: Host, worker: Unit, stale: str | None) -> None:
    pidfile = f"/run/groundwork-worker-{POOL}/worker.pid"
    worker.succeed("stop")
    host.check_output("install -d -o groundwork -g groundwork %s", pidfile.rpartition("/")[0])
    if stale is None:
        host.check_output("install -d -o groundwork -g groundwork %s", pidfile)
    else:
        # A live process of the same user, as a number that is given again would be.
        own = host.check_output("systemctl show --value --property MainPID groundwork-beat")
        host.check_output("printf %%s %s > %s", stale.format(own=own), pidfile)
        host.check_output("chown groundwork:groundwork %s", pidfile)
    worker.succeed("start")
    assert int(host.file(pidfile).content_string) == worker.main_pid
