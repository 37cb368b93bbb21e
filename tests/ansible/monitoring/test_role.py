"""What the role `monitoring` makes of an inventory, as Prometheus and systemd read it."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.ansible.monitoring.test_rules import promtool
from tests.ansible.roles import read, render, templar
from tests.ansible.test_wiring import FLEET, IPV6_ADDRESSES, ONE, wired

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ansible.test_wiring import HostVariables

WATCHED = {**FLEET, "monitoring": ["store"]}
OPTIONS = read("monitoring", "defaults/main.yml")
UNITS = sorted(read("monitoring", "vars/main.yml")["__monitoring_exporters"])
#: What follows from an inventory.
WIRED = (
    "monitoring_server", "monitoring_exporters", "monitoring_bind", "monitoring_asked_by",
    "monitoring_targets", "monitoring_apis", "monitoring_token_host", "monitoring_token_api",
    "monitoring_mail_to", "monitoring_mail_from", "monitoring_smtp_server", "monitoring_smtp_starttls",
    "monitoring_smtp_user", "monitoring_smtp_password", "monitoring_slack_urls", "monitoring_redis_socket",
    "monitoring_redis_user", "monitoring_redis_password", "monitoring_postgres_server",
    "monitoring_nginx_status",
)  # fmt: skip
#: Of 10, as `systemd-analyze security` rates it.
WORST_EXPOSURE = 2.0


def role_variables(host: HostVariables, name: str) -> dict[str, Any]:
    """What the role is given on a host."""
    return {one: host[one] for one in OPTIONS if one in host or one in WIRED} | {
        "inventory_hostname": name,
        "hostvars": {"app1": {}, "app2": {}},
    }


def scraped(folder: Path, host: HostVariables, name: str) -> list[dict[str, Any]]:
    """Whom Prometheus asks, by a configuration that it can read."""
    file = folder / "prometheus.yml"
    render(
        "monitoring",
        "etc/monitoring-groundwork/prometheus.yml.j2",
        to=file,
        **role_variables(host, name),
        __monitoring_folder=str(folder),
        __monitoring_token=str(folder / "token"),
    )
    (folder / "token").write_text("secret")
    promtool("check", "config", "prometheus.yml", folder=folder)
    found: list[dict[str, Any]] = yaml.safe_load(file.read_text())["scrape_configs"]
    return found


def asked(configs: list[dict[str, Any]]) -> dict[str, set[str]]:
    """The addresses by job."""
    return {
        config["job_name"]: {target for group in config["static_configs"] for target in group["targets"]}
        for config in configs
    }


def alertmanager(folder: Path, **variables: object) -> dict[str, Any]:
    file = folder / "alertmanager.yml"
    render("monitoring", "etc/monitoring-groundwork/alertmanager.yml.j2", to=file, **variables)
    found: dict[str, Any] = yaml.safe_load(file.read_text())
    return found


def test_one_host_in_a_fleet_asks_all_others_at_their_own_addresses(tmp_path: Path) -> None:
    fleet = wired(tmp_path, WATCHED)
    configs = scraped(tmp_path, fleet["store"], "store")
    assert asked(configs) == {
        "groundwork-app1": {"10.0.0.2:443"},
        "groundwork-app2": {"10.0.0.3:443"},
        "node": {"127.0.0.1:9100", "10.0.0.2:9100", "10.0.0.3:9100"},
        "redis": {"127.0.0.1:9121"},
        "postgres": {"127.0.0.1:9187"},
        "nginx": {"10.0.0.2:9113", "10.0.0.3:9113"},
        "prometheus": {"127.0.0.1:9090"},
        "alertmanager": {"127.0.0.1:9093"},
    }
    [of_api] = [config for config in configs if config["job_name"] == "groundwork-app1"]
    assert of_api["static_configs"][0]["labels"] == {"job": "groundwork", "instance": "app1"}
    assert of_api["tls_config"]["server_name"] == fleet["app1"]["groundwork_watched_api"]["name"]


def test_addresses_of_ipv6_stand_in_brackets(tmp_path: Path) -> None:
    fleet = wired(tmp_path, WATCHED, addresses=IPV6_ADDRESSES)
    found = asked(scraped(tmp_path, fleet["store"], "store"))
    assert found["nginx"] == {"[fd00::2]:9113", "[2001:db8:0:1:2:3:4:5]:9113"}


def test_an_exporter_is_for_the_host_that_watches_alone(tmp_path: Path) -> None:
    fleet = wired(tmp_path, WATCHED)
    assert (fleet["store"]["monitoring_bind"], fleet["store"]["monitoring_asked_by"]) == ("127.0.0.1", [])
    assert (fleet["app1"]["monitoring_bind"], fleet["app1"]["monitoring_asked_by"]) == (
        "10.0.0.2",
        ["10.0.0.1"],
    )


def test_nothing_changes_where_no_host_watches(tmp_path: Path) -> None:
    host = wired(tmp_path, ONE)["app1"]
    assert (host["monitoring_server"], host["postgresql_monitor_user"], host["proxy_status_port"]) == (
        False,
        "",
        0,
    )
    assert [item["name"] for item in host["host_ports"] if item["name"].startswith("monitoring")] == []


def test_ports_that_are_taken_are_found_before_any_change(tmp_path: Path) -> None:
    host = wired(tmp_path, {**ONE, "monitoring": ["app1"]})["app1"]
    names = {item["name"] for item in host["host_ports"]}
    assert {f"monitoring_{one}_port" for one in ("prometheus", "alertmanager", *UNITS)} <= names
    assert "proxy_status_port" in names


def test_alerts_go_where_those_of_the_service_go(tmp_path: Path) -> None:
    host = wired(
        tmp_path,
        {**ONE, "monitoring": ["app1"]},
        groundwork_settings={
            "alert_mail": "ann@example.org bob@example.org",
            "mail_transport": "smtp",
            "smtp_host": "mail.example.org",
            "smtp_user": "groundwork",
        },
        groundwork_secrets={"smtp_password": 'a"b', "alert_slack_urls": "https://hooks.slack.com/services/1"},
    )["app1"]
    told = alertmanager(tmp_path, **role_variables(host, "app1"))
    assert told["global"]["smtp_smarthost"] == "mail.example.org:587"
    assert told["global"]["smtp_auth_password"] == 'a"b'
    [people] = [receiver for receiver in told["receivers"] if receiver["name"] == "people"]
    assert [mail["to"] for mail in people["email_configs"]] == ["ann@example.org", "bob@example.org"]
    assert people["slack_configs"][0]["api_url"] == "https://hooks.slack.com/services/1"
    assert "webhook_configs" not in people


def test_the_watchdog_reaches_its_own_receiver_alone(tmp_path: Path) -> None:
    told = alertmanager(tmp_path, monitoring_watchdog_url="https://ping.example.org/1")
    assert told["route"]["receiver"] == "people"
    assert told["route"]["routes"][0]["receiver"] == "watchdog"
    [watchdog] = [receiver for receiver in told["receivers"] if receiver["name"] == "watchdog"]
    assert watchdog["webhook_configs"][0]["url"] == "https://ping.example.org/1"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root folder of a host with the units installed and the programs that they name."""
    folder = tmp_path_factory.mktemp("root")
    host = wired(folder, {**ONE, "monitoring": ["app1"]})["app1"]
    variables = role_variables(host, "app1")
    units = templar("monitoring", **variables).evaluate_expression
    installed = folder / "etc/systemd/system"
    installed.mkdir(parents=True)
    shutil.copytree("/lib/systemd/system", folder / "lib/systemd/system", symlinks=True)
    programs = (unit.get("program") or f"/usr/bin/{unit['package']}" for unit in _units(units).values())
    for program in ("bin/kill", *(path.removeprefix("/") for path in programs)):
        (folder / program).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy("/bin/true", folder / program)
    for name, unit in _units(units).items():
        render(
            "monitoring",
            "etc/systemd/system/NAME-groundwork.service.j2",
            to=installed / f"{name}.service",
            item={"key": name, "value": unit},
            **variables,
        )
    return folder


def _units(evaluate: Any) -> dict[str, dict[str, Any]]:
    from ansible.template import trust_as_template

    found: dict[str, dict[str, Any]] = evaluate(
        trust_as_template("__monitoring_units | combine({__monitoring_upkeep: __monitoring_upkeep_unit})")
    )
    return found


def test_systemd_finds_nothing_to_say_of_its_units_and_all_are_sandboxed(root: Path) -> None:
    names = sorted(path.name for path in (root / "etc/systemd/system").glob("*.service"))
    assert len(names) == len(UNITS) + 3
    verified = subprocess.run(
        ["systemd-analyze", "verify", f"--root={root}", *names], capture_output=True, text=True, check=False
    )
    assert verified.stdout + verified.stderr == ""
    for name in names:
        rated = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", f"--root={root}", "--no-pager", name],
            capture_output=True,
            text=True,
            check=False,
        ).stdout.splitlines()[-1]
        assert float(rated.split(":")[1].split()[0]) <= WORST_EXPOSURE, rated
