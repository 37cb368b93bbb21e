"""What preflight says about a host and about what is wanted of it: everything at once, in sentences."""

from __future__ import annotations

import copy
import importlib.util
import re
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest

from app.secret import DEFAULT_SECRETS, MIN_SECRET_LENGTH
from tests.ansible.roles import ROLES

if TYPE_CHECKING:
    from types import ModuleType

SECRET = "a-secret-that-is-long-enough-to-be-one-1"
FACTS = {
    "distribution": "Debian",
    "distribution_major_version": "12",
    "service_mgr": "systemd",
    "systemd": {"version": 252},
}
LOOK = {
    "python": "3.11.2",
    "memory_mb": 2000,
    "disk_free_mb": {"/opt": 10_000, "/var/lib": 10_000},
    "clock_skew_seconds": 0.4,
    "ports": [{"port": 22, "process": "sshd"}, {"port": 6379, "process": "redis-server"}],
}
ONE_HOST = {name: ["one"] for name in ("api", "workers", "beat", "redis", "database")}
WANTED: dict[str, Any] = {
    "distributions": {"Debian": ["12", "13"]},
    "pythons": ["3.11", "3.13"],
    "least_memory_mb": 900,
    "least_disk_mb": 2048,
    "most_clock_skew_seconds": 10,
    "secrets": {"redis_app_password": SECRET},
    "ports": [{"name": "redis_port", "port": 6379, "process": "redis-server"}],
    "numbers": [{"name": "soft_shutdown_seconds", "value": 45, "below": "TimeoutStopSec", "limit": "60"}],
    "names": {"redis_app_user": "groundwork"},
    "listeners": [{"name": "redis_bind", "addresses": ["127.0.0.1"], "encrypted": False}],
    "groups": {"all": ["one"], "ungrouped": [], **ONE_HOST},
    "external": [],
    "sqlite": False,
}


def plugin(path: str) -> ModuleType:
    """A Python file of the role, as Ansible loads it."""
    file = ROLES / "host" / path
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    return module


OF_HOST = plugin("filter_plugins/host_mistakes.py")
OF_WISHES = plugin("filter_plugins/wish_mistakes.py")
LOOKING = plugin("library/host_look.py")


def mistakes(
    *, facts: dict[str, Any] | None = None, look: dict[str, Any] | None = None, **wanted: Any
) -> list[str]:
    wishes, seen = {**copy.deepcopy(WANTED), **wanted}, {**LOOK, **(look or {})}
    found: list[str] = OF_HOST.mistakes(seen, facts={**FACTS, **(facts or {})}, wanted=wishes)
    return [*found, *OF_WISHES.mistakes(wishes, look=seen)]


def only(found: list[str]) -> str:
    assert len(found) == 1, found
    return found[0]


def test_a_host_that_is_as_wanted_has_no_mistakes() -> None:
    assert mistakes() == []


def test_all_mistakes_are_said_at_once() -> None:
    said = mistakes(
        look={"memory_mb": 10, "python": "3.9.2"}, secrets={"a": ""}, facts={"distribution": "Ubuntu"}
    )
    assert len(said) == 4


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (
            {"distribution": "Ubuntu", "distribution_major_version": "22"},
            "runs Ubuntu 22; .* on Debian 12 and 13",
        ),
        ({"distribution_major_version": "11"}, "runs Debian 11"),
        ({"systemd": {"version": 247}}, "systemd is version 247; the units need 252"),
    ],
)
def test_an_unknown_system_is_named(facts: dict[str, Any], sentence: str) -> None:
    assert_said(mistakes(facts=facts), sentence)


def test_a_host_without_systemd_is_fine() -> None:
    assert mistakes(facts={"service_mgr": "sysvinit", "systemd": {}}) == []


@pytest.mark.parametrize(
    ("look", "sentence"),
    [
        ({"python": "3.12.1"}, "python3 is 3.12.1; the release brings packages for 3.11 and 3.13"),
        ({"python": "3.1"}, "python3 is 3.1;"),
        ({"python": ""}, "no python3"),
        ({"memory_mb": 512}, "512 MB of memory; it needs 900"),
        ({"disk_free_mb": {"/opt": 100, "/var/lib": 9000}}, "100 MB are free at /opt; it needs 2048"),
        ({"clock_skew_seconds": -61.2}, "clock of the host is 61 s behind"),
        ({"clock_skew_seconds": 61.2}, "clock of the host is 61 s ahead of"),
        ({"ports": [{"port": 6379, "process": "nginx"}]}, r"Port 6379 \(redis_port\) is taken by nginx"),
        ({"ports": [{"port": 6379, "process": ""}]}, r"Port 6379 \(redis_port\) is taken by another"),
    ],
)
def test_what_the_host_lacks_is_said_with_its_numbers(look: dict[str, Any], sentence: str) -> None:
    assert_said(mistakes(look=look), sentence)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("", "is not set"),
        (None, "is not set"),
        (12345678, "is no text"),
        (True, "is no text"),
        ("ChangeMe", "is a well-known default"),
        ("x" * 31, "has 31 characters, fewer than 32"),
        (SECRET + " ", "begins or ends with a blank"),
        (SECRET + "\r\n", "begins or ends with a blank, or holds a line break"),
        ("half\n" + SECRET, "holds a line break"),
    ],
)
def test_a_weak_secret_is_named_and_not_shown(value: object, sentence: str) -> None:
    said = only(mistakes(secrets={"redis_app_password": value}))
    assert said.startswith("redis_app_password ")
    assert sentence in said
    assert not isinstance(value, str) or not value.strip() or value.strip() not in said


def test_one_secret_for_two_purposes_is_refused_and_not_shown() -> None:
    said = only(mistakes(secrets={"one": SECRET, "two": SECRET}))
    assert said.startswith("one and two are the same")
    assert SECRET not in said


def test_a_secret_may_hold_any_character() -> None:
    assert mistakes(secrets={"redis_app_password": "@:/#%\"' é $x {{ y }} " + SECRET}) == []


def test_the_service_and_preflight_agree_about_secrets() -> None:
    assert OF_WISHES.LEAST_SECRET_LENGTH == MIN_SECRET_LENGTH
    assert OF_WISHES.DEFAULT_SECRETS >= DEFAULT_SECRETS


@pytest.mark.parametrize("port", [0, 65536, -1, "http", 1.5, True, "", None])
def test_what_is_no_port_is_refused(port: object) -> None:
    assert_said(mistakes(ports=[{"name": "redis_port", "port": port}]), "redis_port is .* from 1 to 65535")


def test_two_services_on_one_port_are_named() -> None:
    ports = [{"name": name, "port": port} for name, port in (("a_port", 8000), ("b_port", "8000"))]
    assert_said(mistakes(ports=ports), "b_port and a_port are both 8000")


@pytest.mark.parametrize("value", [60, 61, "60"])
def test_numbers_that_do_not_agree_are_both_shown(value: object) -> None:
    numbers = [{"name": "soft_shutdown_seconds", "value": value, "below": "TimeoutStopSec", "limit": "60"}]
    assert_said(
        mistakes(numbers=numbers), r"soft_shutdown_seconds \(6.\) must be below TimeoutStopSec \(60\)"
    )


def test_what_is_no_number_is_refused() -> None:
    numbers = [{"name": "soft_shutdown_seconds", "value": "45s", "below": "TimeoutStopSec", "limit": 60}]
    assert_said(mistakes(numbers=numbers), "soft_shutdown_seconds is '45s', which is no number")


@pytest.mark.parametrize("name", ["../x", "a b", "a%i", "a\nb", "A", "", "-a", "x" * 32, "yes", 5])
def test_a_name_that_would_break_a_unit_is_refused(name: object) -> None:
    assert_said(mistakes(names={"groundwork_pools": name}), "groundwork_pools is ")


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "*"])
def test_passwords_do_not_pass_unencrypted_on_every_network(address: str) -> None:
    listener = {"name": "redis_bind", "addresses": ["127.0.0.1", address], "encrypted": False}
    assert_said(mistakes(listeners=[listener]), "unencrypted on every network")
    assert mistakes(listeners=[{**listener, "encrypted": True}]) == []


def test_groups_that_make_no_service_are_named() -> None:
    assert_said(mistakes(groups={**ONE_HOST, "redis": []}), "No host is in the group redis")
    assert_said(mistakes(groups={**ONE_HOST, "workers": []}), "No host is in the group workers")
    assert_said(mistakes(groups={**ONE_HOST, "beat": []}), "No host is in the group beat")
    assert_said(mistakes(groups={**ONE_HOST, "redis": ["one", "two"]}), "The group redis has 2 hosts")
    assert_said(mistakes(groups={**ONE_HOST, "database": ["one", "two"]}), "The group database has 2 hosts")


def test_a_redis_elsewhere_needs_no_group() -> None:
    assert mistakes(groups={**ONE_HOST, "redis": []}, external=["redis"]) == []


def test_a_host_of_stores_alone_is_fine() -> None:
    assert mistakes(groups={"redis": ["one"]}) == []


def test_a_misspelt_group_is_named() -> None:
    groups = {name: hosts for name, hosts in ONE_HOST.items() if name != "workers"} | {"worker": ["one"]}
    said = mistakes(groups=groups)
    assert any("The group worker means nothing here; is it workers?" in sentence for sentence in said), said


def test_sqlite_is_for_one_host() -> None:
    groups = {**ONE_HOST, "workers": ["one", "two"], "database": []}
    assert_said(mistakes(groups=groups, sqlite=True), "SQLite file, and 2 hosts would need it")
    assert mistakes(groups={**ONE_HOST, "database": []}, sqlite=True) == []


def test_the_module_sees_who_listens_and_what_the_host_has() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        seen = LOOKING._look(folders=["/", "/no/such/folder"], controller_time=0.0)
        assert listening.getsockname()[1] in {item["port"] for item in seen["ports"] if item["process"]}
    assert seen["disk_free_mb"]["/"] == pytest.approx(seen["disk_free_mb"]["/no/such/folder"], abs=500)
    assert seen["memory_mb"] > 0
    assert seen["python"].startswith("3.")
    assert seen["clock_skew_seconds"] > 0


def assert_said(said: list[str], sentence: str) -> None:
    assert re.search(sentence, only(said)), said
