"""Prometheus on a fleet: it hears from everybody whom it asks, and what it finds reaches somebody, once.

`scripts/test host cluster` runs these in their order, after the tests of every host.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.host import stores
from tests.host.machines import machines
from tests.host.monitoring.prometheus import asked, watcher
from tests.host.scenario import play
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testinfra.host import Host

    from tests.host.machines import Machine

RECEIVER_PORT, RECEIVED = 9999, "/root/received"
#: As an operator gives them; what is asked often is known soon.
VARIABLES = (
    "monitoring_scrape_seconds=2",
    f'{{"monitoring_webhook_urls": ["http://127.0.0.1:{RECEIVER_PORT}/"]}}',
)
#: Keeps what Alertmanager sends, a line each.
RECEIVER = f"""
import http.server
class Keep(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        with open("{RECEIVED}", "ab") as file:
            file.write(body.replace(b"\\n", b"") + b"\\n")
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", {RECEIVER_PORT}), Keep).serve_forever()
"""
RULES = Path(__file__).parents[3] / "ansible" / "monitoring" / "hosts.yml"
OF_EXPORTERS = re.compile(r"\b(?:node|redis|pg|nginx|upkeep)_\w+")
SECRETS = " ".join(
    f"/etc/monitoring-groundwork/{name}" for name in ("api.token", "alertmanager.yml", "redis.json")
)
#: Of 10, as `systemd-analyze security` rates it; the exporter of the host may see more of it than the others.
WORST_EXPOSURE = 2.0


@pytest.fixture(scope="module")
def host() -> Host:
    return watcher().host


@pytest.fixture(scope="module", autouse=True)
def _receiver(host: Host) -> Iterator[None]:
    host.check_output("systemd-run --quiet --unit receiver /usr/bin/python3 -c %s", RECEIVER)
    yield
    host.check_output("systemctl stop receiver")


def health(host: Host) -> dict[tuple[str, str], str]:
    """Of each that is asked, by its job and host; what was wrong where something was."""
    targets = asked(host, "/api/v1/targets")["activeTargets"]
    return {
        (target["labels"]["job"], target["labels"]["instance"]): target["lastError"] or target["health"]
        for target in targets
    }


def expected() -> set[tuple[str, str]]:
    by_group = {"api": ("groundwork", "nginx"), "redis": ("redis",), "database": ("postgres",)}
    of_groups = {
        (job, machine.name)
        for machine in machines()
        for group, jobs in by_group.items()
        if group in machine.groups
        for job in jobs
    }
    own = {(job, watcher().name) for job in ("prometheus", "alertmanager")}
    return of_groups | own | {("node", machine.name) for machine in machines()}


def received(host: Host, alert: str) -> list[str]:
    """The states that the receiver was told of an alert, in their order."""
    lines = host.run("cat %s", RECEIVED).stdout.splitlines()
    told = [message for line in lines if (message := json.loads(line))["groupLabels"]["alertname"] == alert]
    return [message["status"] for message in told]


def test_it_is_set_up_and_a_second_run_changes_nothing() -> None:
    play("monitoring.yml", *VARIABLES).succeed()
    assert play("monitoring.yml", *VARIABLES).succeed().changed == 0
    assert play("monitoring.yml", *VARIABLES, check=True).succeed().changed == 0


def test_everybody_who_is_asked_answers(host: Host) -> None:
    wait_until(lambda: set(health(host).values()) == {"up"}, seconds=60, what=f"all answer: {health(host)}")
    assert health(host).keys() == expected()


def test_what_the_alerts_of_hosts_ask_for_is_told(host: Host) -> None:
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    wanted = {name for rule in rules for name in OF_EXPORTERS.findall(rule["expr"])}
    assert len(wanted) > 15
    assert wanted - set(asked(host, "/api/v1/label/__name__/values")) == set()


def test_all_rules_are_read_and_none_fails(host: Host) -> None:
    rules = [rule for group in asked(host, "/api/v1/rules")["groups"] for rule in group["rules"]]
    assert {"NoWorkers", "QueueLatency", "JobsOverdue", "RedisDown"} <= {rule["name"] for rule in rules}
    assert [rule["name"] for rule in rules if rule.get("lastError")] == []


def test_an_alert_reaches_its_receiver_once_and_so_does_its_end(host: Host) -> None:
    stores.selected(
        host,
        "INSERT INTO schedule_run (schedule, moment, fired_at, outcome)"
        " SELECT name, now(), now(), 'missed' FROM schedule LIMIT 1",
    )
    wait_until(lambda: received(host, "ScheduleMissed"), seconds=120, what="somebody is told")
    assert received(host, "ScheduleMissed") == ["firing"]
    assert received(host, "Watchdog") == []
    stores.selected(host, "DELETE FROM schedule_run WHERE outcome = 'missed'")
    is_over = lambda: "resolved" in received(host, "ScheduleMissed")  # noqa: E731
    wait_until(is_over, seconds=420, what="somebody is told of its end")
    assert received(host, "ScheduleMissed") == ["firing", "resolved"]


def test_nobody_else_is_answered(machine: Machine) -> None:
    others = [other for other in machines() if other not in (machine, watcher())]
    address = machine.host.check_output("hostname -I").split()[0]
    for other in others:
        reached = other.host.run("timeout 3 bash -c '</dev/tcp/%s/9100'", address)
        assert reached.rc != 0, f"{other.name} reaches the exporter of {machine.name}"


def test_secrets_are_closed_to_others_and_units_are_sandboxed(host: Host) -> None:
    modes = host.check_output(f"stat --format '%a %U' {SECRETS}").splitlines()
    assert set(modes) == {"600 prometheus"}
    units = host.check_output("cd /etc/systemd/system && ls *-exporter-g* prometheus-g* alertmanager-g*")
    for unit in units.split():
        rated = host.check_output("systemd-analyze security --no-pager %s | tail -1", unit)
        assert float(rated.split(":")[1].split()[0]) <= WORST_EXPOSURE, rated


def test_a_token_that_was_revoked_is_replaced_by_the_next_run(host: Host) -> None:
    api = next(machine for machine in machines() if "api" in machine.groups)
    api.host.check_output("groundwork token revoke prometheus")
    play("monitoring.yml", *VARIABLES).succeed()
    wait_until(lambda: set(health(host).values()) == {"up"}, seconds=60, what="all answer")


def test_an_uninstall_takes_all_of_it_and_leaves_the_data(host: Host) -> None:
    play("uninstall.yml").succeed()
    for machine in machines():
        assert machine.host.check_output("find /etc -name '*-groundwork*' -newer /etc/hostname") == ""
        assert machine.host.check_output("systemctl list-units --plain --no-legend '*-groundwork*'") == ""
    assert host.file("/var/lib/prometheus-groundwork").is_directory
