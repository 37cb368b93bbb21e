"""Each alert is provoked by what it is about: it fires, and it ends when that is over.

`scripts/test host cluster` runs these before `rehearse_monitoring.py`, with the times of the rules cut short.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.certificates import DAY, Authority
from tests.host import stores
from tests.host.machines import INVENTORY, machines
from tests.host.monitoring import server_faults, service_faults
from tests.host.monitoring.prometheus import Watch, asked, watcher
from tests.host.scenario import play
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testinfra.host import Host

    from tests.host.monitoring.faults import Alert, Fault

#: What is looked back; an alert holds for a fifth of it.
WITHIN_SECONDS = 30
VARIABLES = (
    # As long as one may wait for an answer, too, on a machine that has other things to do.
    "monitoring_scrape_seconds=4",
    f"monitoring_alerts_within_seconds={WITHIN_SECONDS}",
    '{"monitoring_waits": {"standard": 10, "outside": 10, "bulk": 10}}',
)
FAULTS: dict[str, tuple[Fault, ...]] = {
    "hosts": server_faults.HOSTS,
    "full servers": server_faults.FULL,
    "a service that stands": service_faults.STANDING,
    "work that fails": service_faults.FAILING,
    "a task that gets slower": service_faults.SLOWER,
    "Redis without a disk": server_faults.UNWRITTEN,
    "Redis away": server_faults.AWAY,
    "PostgreSQL away": server_faults.DATABASE,
}
#: The one always fires; a container has the clock of its machine, which nobody may set.
UNPROVOKED = {"Watchdog", "ClockAdrift"}
DOMAIN = Path(__file__).with_name("domain")
PYTHON = "/opt/groundwork/current/venv/bin/python"
UNITS = f"groundwork-api {service_faults.UNITS}"


@pytest.fixture(scope="module")
def watch() -> Watch:
    """A Prometheus that looks back no further than can be waited for."""
    play("monitoring.yml", *VARIABLES).succeed()
    return Watch(watcher().host)


@pytest.fixture(scope="module", autouse=True)
def _domain(watch: Watch) -> Iterator[None]:
    """The hosts of the service know the tasks of the rehearsal, and Prometheus has heard of them."""
    runners = [machine.host for machine in machines() if "workers" in machine.groups]
    for host in runners:
        folder = app_folder(host)
        host.check_output("install -d -m 0755 %s", folder)
        for path in DOMAIN.glob("*.py"):
            host.check_output("printf %%s %s > %s", path.read_text(), f"{folder}/{path.name}")
        host.check_output(f"systemctl reload-or-restart {UNITS}")
    for task in ("nap", "work"):
        # Of a series that begins with a job, an increase is seen with the next one.
        runners[0].check_output(f"groundwork jobs submit rehearsal.{task} --arg seconds=0")
        wait_until(partial(waits, watch.host, task), seconds=60, what=f"waits of {task} are told")
    yield
    for host in runners:
        host.check_output("rm -r %s", app_folder(host))
        host.check_output(f"systemctl reload-or-restart {UNITS}")


def waits(host: Host, task: str) -> list[object]:
    """What Prometheus knows of how long jobs of a task waited."""
    query = f'groundwork_job_wait_seconds_count{{task="rehearsal.{task}"}}'
    found: list[object] = asked(host, "/api/v1/query", query=query)["result"]
    return found


def app_folder(host: Host) -> str:
    """Where the domain lies in the release."""
    found = host.check_output("%s -c %s", PYTHON, "import app, os; print(os.path.dirname(app.__file__))")
    return f"{found}/rehearsal"


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What stands in the commands of a fault for what this scenario knows alone."""
    store = watcher().host
    secrets = Path(os.environ[INVENTORY]).parents[1] / "operator/group_vars/all/secrets.yml"
    password = yaml.safe_load(secrets.read_text())["redis_operator_password"]
    psql = f"runuser -u postgres -- psql --cluster {stores.cluster(store)}"
    folder = tmp_path_factory.mktemp("certificate")
    certificate, key = Authority(folder).sign("127.0.0.1", lasts=(-80 * DAY, 10 * DAY))
    return {
        "redis": f"redis-cli -s /run/redis-groundwork/redis-server.sock --user operator --pass {password}",
        "sql": f"{psql} -XqAt {stores.database(store)} -c",
        "postgresql": stores.postgresql(store),
        "python": f"cd /var/lib/groundwork && runuser -u groundwork -- {PYTHON} -c",
        "certificate": certificate.read_text(),
        "key": key.read_text(),
    }


def run(command: str, *, on: tuple[str, ...], words: dict[str, str]) -> None:
    """A fault's command on its hosts."""
    for machine in machines():
        if machine.name in on:
            machine.host.check_output("bash -ec %s", command.format_map(words))


def test_no_alert_is_left_out(watch: Watch) -> None:
    rules = [rule for group in asked(watch.host, "/api/v1/rules")["groups"] for rule in group["rules"]]
    named = {rule["name"] for rule in rules if rule["type"] == "alerting"}
    raised = {
        alert.name
        for faults in FAULTS.values()
        for fault in faults
        for alert in (*fault.alerts, *fault.afterwards)
    }
    assert named == raised | UNPROVOKED


@pytest.mark.parametrize("name", FAULTS)
def test_each_alert_fires_and_ends(name: str, watch: Watch, words: dict[str, str]) -> None:
    faults = FAULTS[name]
    during = [alert for fault in faults for alert in fault.alerts]
    afterwards = [alert for fault in faults for alert in fault.afterwards]
    # What a deploy, or the fault before, has left for an hour or for as long as nobody looks.
    stores.selected(watch.host, "DELETE FROM schedule_run WHERE outcome = 'missed'")
    run(server_faults.UPKEEP, on=tuple(one.name for one in machines()), words=words)
    wait_until(lambda: not watch.still([*during, *afterwards]), seconds=180, what="none fires yet")
    watch.seen.clear()
    try:
        for fault in faults:
            run(fault.begin, on=fault.on, words=words)
        wait_for(watch, during)
    finally:
        for fault in faults:
            run(fault.end, on=fault.on, words=words)
    wait_for(watch, afterwards)
    for fault in faults:
        run(fault.tidy, on=fault.on, words=words)
    wait_until(lambda: not watch.still([*during, *afterwards]), seconds=240, what="all have ended")


def wait_for(watch: Watch, wanted: list[Alert]) -> None:
    """Until each has fired; what has not is named."""
    try:
        wait_until(lambda: not watch.not_yet(wanted), seconds=180, what="all fire")
    except AssertionError as error:
        raise AssertionError(f"These do not fire: {watch.not_yet(wanted)}") from error
