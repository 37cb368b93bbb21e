"""The alerts for Prometheus: each is provoked, and each asks for what the service tells."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from app.__main__ import command_line
from app.jobs.statistics.buckets import BOUNDS
from app.topology import POOLS
from tests.ansible.monitoring.cases import CASES
from tests.ansible.monitoring.exported import exported_names, names_in

if TYPE_CHECKING:
    from tests.ansible.monitoring.case import Case

ROOT = Path(__file__).resolve().parents[3]
RULES = ("service.yml", "hosts.yml")
#: It begins with a capital or with what is filled in, and ends with a period.
SENTENCE = re.compile(r"[A-Z{].*[.]", re.DOTALL)
#: What an alert advises to run.
COMMAND = re.compile(r"`groundwork ([a-z ]+)")


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all files of rules, as a host has them."""
    folder = tmp_path_factory.mktemp("rules")
    for name in RULES:
        shutil.copy(ROOT / "ansible" / "monitoring" / name, folder)
    (folder / "pools.yml").write_text(alerts_of_pools().stdout)
    return folder


def alerts_of_pools(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What `scripts/alerts` says."""
    command = [str(ROOT / "scripts" / "alerts"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def alerts(rules: Path) -> list[dict[str, Any]]:
    """Every alert of every file."""
    return [rule for rule in all_rules(rules) if "alert" in rule]


def all_rules(folder: Path) -> list[dict[str, Any]]:
    """Alerts and recorded series."""
    files = [yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*.yml"))]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


def promtool(*arguments: str, folder: Path) -> str:
    """What promtool says; the test fails where it finds fault."""
    done = subprocess.run(["promtool", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_can_read_them(rules: Path) -> None:
    files = [path.name for path in sorted(rules.glob("*.yml"))]
    assert "pools.yml" in files
    promtool("check", "rules", *files, folder=rules)


@pytest.mark.parametrize("every", sorted({case.every for case in CASES}))
def test_each_alert_fires_when_it_is_to_and_not_before(every: int, rules: Path, tmp_path: Path) -> None:
    files = [str(path) for path in sorted(rules.glob("*.yml"))]
    cases = [as_test(case) for case in CASES if case.every == every]
    tests = {"rule_files": files, "evaluation_interval": f"{every}m", "tests": cases}
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(tests))
    promtool("test", "rules", "tests.yml", folder=tmp_path)


def as_test(case: Case) -> dict[str, Any]:
    """The case as promtool takes it."""
    firing = f'count(ALERTS{{alertname="{case.alert}",alertstate="firing",{case.labels}}})'
    checks = [(case.quiet, []), (case.fires, [{"labels": "{}", "value": case.count}])]
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in case.instances.items()],
        "promql_expr_test": [
            {"expr": firing, "eval_time": f"{minutes}m", "exp_samples": samples}
            for minutes, samples in checks
            if minutes is not None
        ],
    }


def test_no_alert_is_left_unprovoked(alerts: list[dict[str, Any]]) -> None:
    assert {case.alert for case in CASES if case.fires} == {rule["alert"] for rule in alerts}


def test_each_alert_says_what_is_wrong_and_what_to_do(alerts: list[dict[str, Any]]) -> None:
    for rule in alerts:
        assert rule["labels"]["severity"] in {"page", "ticket", "none"}
        for text in (rule["annotations"]["summary"], rule["annotations"]["fix"]):
            assert SENTENCE.fullmatch(text), f"{rule['alert']}: {text}"


def test_each_command_that_an_alert_advises_is_one_of_ours(alerts: list[dict[str, Any]]) -> None:
    advised = {found for rule in alerts for found in COMMAND.findall(rule["annotations"]["fix"])}
    assert len(advised) > 4
    for words in advised:
        command_line().main([*words.split(), "--help"], standalone_mode=False)


@pytest.mark.usefixtures("database")
def test_they_ask_for_nothing_that_the_service_does_not_tell(rules: Path) -> None:
    asked = {name for rule in all_rules(rules) for name in names_in(rule["expr"])}
    assert asked - exported_names() == set()


def test_a_recorded_series_is_asked_for_by_an_alert(rules: Path) -> None:
    recorded = {rule["record"] for rule in all_rules(rules) if "record" in rule}
    expressions = " ".join(rule["expr"] for rule in all_rules(rules) if "alert" in rule)
    assert {name for name in recorded if name not in expressions} == set()


def test_each_pool_is_watched(alerts: list[dict[str, Any]]) -> None:
    watched = {(rule["alert"], rule["labels"]["pool"]) for rule in alerts if "pool" in rule["labels"]}
    wanted = ("NoWorkers", "QueueLatency", "WaitBudget")
    assert watched == {(alert, pool.name) for alert in wanted for pool in POOLS}


def test_how_long_jobs_of_a_pool_may_wait_can_be_said(rules: Path) -> None:
    longer = alerts_of_pools("--wait", "bulk=3600").stdout
    assert (rules / "pools.yml").read_text().replace("900", "3600") == longer


@pytest.mark.parametrize(
    "given",
    [
        "",
        "bulk",
        "=60",
        "bulk=",
        "bulk=NaN",
        "bulk=-60",
        "bulk=61",
        "bulk=6e1",
        "fast=60",
        "bulk=60\n",
        "\udcff=60",
    ],
)
def test_a_wait_of_no_pool_or_that_is_not_counted_is_refused_with_those_that_are(given: str) -> None:
    done = alerts_of_pools("--wait", given)
    assert (done.returncode, done.stdout) == (1, "")
    assert "the pools are standard, outside, bulk, and waits are counted up to" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_waits_are_counted_up_to_each_that_may_be_said() -> None:
    bounds = alerts_of_pools("--wait", "").stderr.partition("up to ")[2].removesuffix(" s.\n").split(", ")
    assert len(bounds) > 5
    assert {float(bound) for bound in bounds} <= {float(bound) for bound in BOUNDS}
