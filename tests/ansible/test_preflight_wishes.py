"""What preflight says about the variables of a host, alone and with each other."""

from __future__ import annotations

import pytest

from app.secret import DEFAULT_SECRETS, MIN_SECRET_LENGTH
from tests.ansible.preflight import OF_GROUPS, OF_WISHES, ONE_HOST, SECRET, assert_said, mistakes, only


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


@pytest.mark.parametrize("value", ["my shop:", "*", "", "a\nb"])
def test_a_text_that_will_not_do_is_refused(value: object) -> None:
    text = {"name": "redis_prefix", "value": value, "pattern": r"[^\s*]+", "takes": "no blank"}
    assert_said(mistakes(texts=[text]), "redis_prefix is .*; it takes no blank")


@pytest.mark.parametrize(
    ("given", "known", "sentence"),
    [
        ("standart", ["standard", "bulk"], "pools names standart, which is no pool; is it standard?"),
        ("Bulk", ["standard", "bulk"], "pools names Bulk, which is no pool; is it bulk?"),
        ("xyz", ["standard", "bulk"], "pools names xyz, which is no pool; there are standard, bulk."),
        ("/no/file", [], "pools names /no/file, which is no pool; correct that."),
    ],
)
def test_a_name_of_something_that_there_is_not_is_named(given: str, known: list[str], sentence: str) -> None:
    choice = {"name": "pools", "given": [given], "known": known, "kind": "pool"}
    assert only(mistakes(choices=[choice])) == sentence


def test_what_must_agree_is_both_shown() -> None:
    agreement = {"name": "redis_prefix", "value": "a:", "other": "the setting", "other_value": "b:"}
    assert_said(mistakes(agreements=[agreement]), "redis_prefix is 'a:', and the setting is 'b:'; leave out")


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


@pytest.mark.parametrize(
    ("groups", "sentence"),
    [
        (
            {"apis": ["one"], "worker": ["one"]},
            r"The inventory has the groups apis \(is it api\?\), worker \(is it workers\?\)",
        ),
        ({"API": ["one"]}, r"API \(is it api\?\)"),
        ({"webservers": ["one"]}, "the groups webservers"),
        ({"all": ["one"], "ungrouped": ["one"]}, "Put hosts into them"),
        ({"api": ["two"]}, "No host of this run is in one of the groups"),
        ({}, "Put hosts into them"),
    ],
)
def test_a_run_with_nothing_to_do_is_refused(groups: dict[str, list[str]], sentence: str) -> None:
    assert_said(OF_GROUPS.nothing_to_do(groups, hosts=["one", "localhost"]), sentence)


def test_a_run_with_something_to_do_is_not_refused() -> None:
    assert OF_GROUPS.nothing_to_do({"redis": ["one"]}, hosts=["one"]) == []


def test_sqlite_is_for_one_host() -> None:
    groups = {**ONE_HOST, "workers": ["one", "two"], "database": []}
    assert_said(mistakes(groups=groups, sqlite=True), "SQLite file, and 2 hosts would need it")
    assert mistakes(groups={**ONE_HOST, "database": []}, sqlite=True) == []
