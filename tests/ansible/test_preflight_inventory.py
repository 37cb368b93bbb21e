"""What preflight says about the secrets, ports, names and groups of an inventory."""

from __future__ import annotations

from typing import Any

import pytest

from app.settings.secret import DEFAULT_SECRETS, MIN_SECRET_LENGTH
from app.topology import SERVICES
from tests.ansible.preflight import GROUPS, INVENTORY, SECRET, assert_said, only

ONE_HOST = {name: ["one"] for name in ("api", "workers", "beat", "redis", "database")}


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("", "is not set"),
        (None, "is not set"),
        (12345678, "is not text"),
        (True, "is not text"),
        ("ChangeMe", "is a well-known default"),
        ("x" * 31, "has 31 characters, fewer than 32"),
        (SECRET + " ", "begins or ends with a blank"),
        (SECRET + "\r\n", "begins or ends with a blank, or holds a line break"),
        ("half\n" + SECRET, "holds a line break"),
    ],
)
def test_a_weak_secret_is_named_and_not_shown(value: object, sentence: str) -> None:
    said = only(INVENTORY.secret_errors({"redis_app_password": value}))
    assert said.startswith("redis_app_password ")
    assert sentence in said
    assert not isinstance(value, str) or not value.strip() or value.strip() not in said


def test_one_secret_for_two_purposes_is_refused_and_not_shown() -> None:
    said = only(INVENTORY.secret_errors({"one": SECRET, "two": SECRET}))
    assert said.startswith("one and two are the same")
    assert SECRET not in said


def test_a_secret_may_hold_any_character() -> None:
    assert INVENTORY.secret_errors({"redis_app_password": "@:/#%\"' é $x {{ y }} " + SECRET}) == []


def test_the_service_and_preflight_agree_about_secrets() -> None:
    assert INVENTORY.MIN_SECRET_LENGTH == MIN_SECRET_LENGTH
    assert INVENTORY.DEFAULT_SECRETS >= DEFAULT_SECRETS


def port_errors(*ports: dict[str, Any], **holder: Any) -> list[str]:
    """Of ports of a host where `holder` listens."""
    found: list[str] = INVENTORY.port_errors(ports, listeners=[holder] if holder else [])
    return found


@pytest.mark.parametrize("port", [0, 65536, -1, "http", 1.5, True, "", None])
def test_what_is_not_a_port_is_refused(port: object) -> None:
    assert_said(port_errors({"name": "redis_port", "port": port}), "redis_port is .* from 1 to 65535")


def test_two_services_on_one_port_are_named() -> None:
    ports = [{"name": name, "port": port} for name, port in (("a_port", 8000), ("b_port", "8000"))]
    assert_said(port_errors(*ports), "b_port and a_port are both 8000")


@pytest.mark.parametrize(
    ("holder", "sentence"),
    [
        (
            {"port": 6379, "pid": 7, "process": "python3", "run_by": ["shop.service"]},
            r"Port 6379 \(redis_port\) is taken by python3 \(process 7, shop.service\)",
        ),
        (
            {"port": 6379, "pid": 7, "process": "redis-server", "run_by": []},
            r"Port 6379 \(redis_port\) is taken by redis-server \(process 7\)",
        ),
        (
            {"port": 6379, "pid": 0, "process": "", "run_by": []},
            r"Port 6379 \(redis_port\) is taken by another program",
        ),
    ],
)
def test_who_holds_a_port_is_named(holder: dict[str, Any], sentence: str) -> None:
    port = {"name": "redis_port", "port": "6379", "ours": ["redis-server@*.service"]}
    assert_said(port_errors(port, **holder), sentence)


def test_a_port_that_ours_holds_or_that_is_free_will_do() -> None:
    port = {"name": "redis_port", "port": 6379, "ours": ["redis-server@*.service"]}
    ours = {"pid": 7, "process": "redis-server", "run_by": ["redis-server@groundwork.service"]}
    assert port_errors(port, port=6379, **ours) == []
    assert port_errors(port, port=22, pid=7, process="sshd", run_by=["ssh.service"]) == []


@pytest.mark.parametrize(
    ("given", "known", "sentence"),
    [
        (
            "standart",
            ["standard", "bulk"],
            "pools names standart, which is not a pool; did you mean standard?",
        ),
        ("Bulk", ["standard", "bulk"], "pools names Bulk, which is not a pool; did you mean bulk?"),
        ("xyz", ["standard", "bulk"], "pools names xyz, which is not a pool; there are standard, bulk."),
        ("/no/file", [], "pools names /no/file, which is not a pool; correct that."),
    ],
)
def test_a_name_of_something_that_does_not_exist_is_named(
    given: str, known: list[str], sentence: str
) -> None:
    choice = {"name": "pools", "given": [given], "known": known, "kind": "pool"}
    assert only(INVENTORY.choice_errors([choice])) == sentence


def group_errors(
    groups: dict[str, list[str]], *, external: tuple[str, ...] = (), sqlite: bool = False
) -> list[str]:
    found: list[str] = GROUPS.group_errors(groups, external=external, sqlite=sqlite)
    return found


def test_groups_that_make_no_service_are_named() -> None:
    assert_said(group_errors({**ONE_HOST, "redis": []}), "No host is in the group redis or rabbitmq")
    assert_said(group_errors({**ONE_HOST, "workers": []}), "No host is in the group workers")
    assert_said(group_errors({**ONE_HOST, "beat": []}), "No host is in the group beat")
    assert_said(group_errors({**ONE_HOST, "redis": ["one", "two"]}), "The group redis has 2 hosts")
    assert_said(group_errors({**ONE_HOST, "database": ["one", "two"]}), "The group database has 2 hosts")
    assert_said(group_errors({**ONE_HOST, "rabbitmq": ["one", "two"]}), "The group rabbitmq has 2 hosts")


def test_who_watches_is_one_host_of_the_service() -> None:
    assert group_errors({**ONE_HOST, "monitoring": ["one"]}) == []
    assert_said(
        group_errors({**ONE_HOST, "monitoring": ["two"]}), "two is in the group monitoring and in none"
    )
    both = group_errors({**ONE_HOST, "api": ["one", "two"], "monitoring": ["one", "two"]})
    assert_said(both, "The group monitoring has 2 hosts; it takes one")
    assert_said(group_errors({**ONE_HOST, "monitorng": ["one"]}), "did you mean monitoring?")


def test_every_service_runs_in_a_group_of_the_inventory() -> None:
    assert {service.group for service in SERVICES} <= set(GROUPS.GROUPS)


def test_a_redis_elsewhere_needs_no_group() -> None:
    assert group_errors({**ONE_HOST, "redis": []}, external=("redis",)) == []


def test_rabbitmq_takes_the_place_of_redis() -> None:
    groups = {name: hosts for name, hosts in ONE_HOST.items() if name != "redis"}
    assert group_errors({**groups, "rabbitmq": ["one"]}) == []
    said = group_errors({**groups, "rabitmq": ["one"]})
    assert "The group rabitmq is not one of the service; did you mean rabbitmq?" in said, said


def test_groups_that_make_a_service_are_fine() -> None:
    assert group_errors({"all": ["one"], "ungrouped": [], **ONE_HOST}) == []
    assert group_errors({"redis": ["one"]}) == []


def test_a_misspelt_group_is_named() -> None:
    groups = {name: hosts for name, hosts in ONE_HOST.items() if name != "workers"} | {"worker": ["one"]}
    said = group_errors(groups)
    sentence = "The group worker is not one of the service; did you mean workers?"
    assert sentence in said, said


@pytest.mark.parametrize(
    ("groups", "sentence"),
    [
        (
            {"apis": ["one"], "worker": ["one"]},
            r"The inventory has the groups apis \(did you mean api\?\), worker \(did you mean workers\?\)",
        ),
        ({"API": ["one"]}, r"API \(did you mean api\?\)"),
        ({"webservers": ["one"]}, "the groups webservers"),
        ({"all": ["one"], "ungrouped": ["one"]}, "Put hosts into them"),
        ({"api": ["two"]}, "No host of this run is in one of the groups"),
        ({}, "Put hosts into them"),
    ],
)
def test_a_run_with_nothing_to_do_is_refused(groups: dict[str, list[str]], sentence: str) -> None:
    assert_said(GROUPS.no_hosts_errors(groups, hosts=["one", "localhost"]), sentence)


def test_a_run_with_something_to_do_is_not_refused() -> None:
    assert GROUPS.no_hosts_errors({"redis": ["one"]}, hosts=["one"]) == []


def test_sqlite_is_for_one_host() -> None:
    groups = {**ONE_HOST, "workers": ["one", "two"], "database": []}
    assert_said(group_errors(groups, sqlite=True), "SQLite file, and 2 hosts would need it")
    assert group_errors({**ONE_HOST, "database": []}, sqlite=True) == []
