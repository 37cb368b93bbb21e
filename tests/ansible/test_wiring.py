"""The hosts of an inventory find each other: what group_vars/all.yml makes of the groups."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play import Play
from ansible.template import Templar, trust_as_template
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

from app import topology
from app.settings.config import Settings
from tests.ansible.roles import ROLES, read, render, rendered_site

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ANSIBLE = ROLES.parent
SECRETS = {
    name: f"{name} @:/"
    for name in (
        "groundwork_secret_key",
        "groundwork_flower_password",
        "redis_app_password",
        "redis_monitor_password",
        "redis_operator_password",
        "rabbitmq_password",
        "postgresql_password",
    )
}
ADDRESSES = {"store": "10.0.0.1", "app1": "10.0.0.2", "app2": "10.0.0.3"}
IPV6_ADDRESSES = {"store": "fd00::1", "app1": "fd00::2", "app2": "2001:db8:0:1:2:3:4:5"}
ONE = {group: ["app1"] for group in ("api", "workers", "beat", "redis", "database")}
FLEET = {
    "redis": ["store"],
    "database": ["store"],
    "api": ["app1", "app2"],
    "workers": ["app1", "app2"],
    "beat": ["app1", "app2"],
}


class HostVariables(dict[str, Any]):
    """What the variables of a host come to, each by the time that it is asked for."""

    def __init__(self, templar: Templar) -> None:
        super().__init__()
        self._templar = templar

    def __missing__(self, name: str) -> Any:
        value = self[name] = self._templar.evaluate_expression(trust_as_template(name))
        return value


def wired(
    folder: Path,
    groups: Mapping[str, list[str]],
    *,
    addresses: Mapping[str, str] = ADDRESSES,
    limit: str | None = None,
    of_hosts: Mapping[str, Mapping[str, object]] | None = None,
    **variables: object,
) -> dict[str, HostVariables]:
    """The hosts of a play beside `group_vars`; `variables` are those of all, `of_hosts` those of some."""
    hosts = {
        name: {"ansible_host": addresses.get(name, name), **(of_hosts or {}).get(name, {})}
        for members in groups.values()
        for name in members
    }
    inventory = {
        "all": {
            "hosts": hosts,
            "children": {group: {"hosts": dict.fromkeys(members)} for group, members in groups.items()},
            "vars": {**SECRETS, **variables},
        }
    }
    file = folder / "hosts.json"
    file.write_text(json.dumps(inventory))
    return _variables_by_host(file, limit=limit)


def _variables_by_host(inventory: Path, *, limit: str | None) -> dict[str, HostVariables]:
    loader = DataLoader()
    loader.set_basedir(str(ANSIBLE))
    found = InventoryManager(loader=loader, sources=[str(inventory)])
    found.subset(limit)
    variables = VariableManager(loader=loader, inventory=found)
    HostVars(inventory=found, variable_manager=variables, loader=loader)
    said = {"ansible_limit": limit} if limit else {}
    play = Play.load({"hosts": "all", "vars": said}, variable_manager=variables, loader=loader)
    return {
        host.name: HostVariables(Templar(loader=loader, variables=variables.get_vars(play=play, host=host)))
        for host in found.get_hosts("all")
    }


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A host that does everything."""
    return wired(tmp_path_factory.mktemp("one"), ONE)["app1"]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One with the stores, two with the service."""
    return wired(tmp_path_factory.mktemp("fleet"), FLEET)


def test_on_one_host_everything_stays_on_it(one: Mapping[str, Any]) -> None:
    assert one["groundwork_base_secrets"]["redis_url"].endswith("@127.0.0.1:6379/0")
    assert one["groundwork_base_secrets"]["database_url"].endswith("@127.0.0.1:5432/groundwork")
    assert one["redis_bind"] == ["127.0.0.1", "-::1"]
    assert one["postgresql_listen_addresses"] == ["localhost"]
    assert one["postgresql_clients"] == []


def test_in_a_fleet_the_service_finds_the_stores(fleet: Mapping[str, Any]) -> None:
    for name in ("app1", "app2"):
        assert fleet[name]["groundwork_base_secrets"]["redis_url"].endswith("@10.0.0.1:6379/0")
        assert fleet[name]["groundwork_base_secrets"]["database_url"].endswith("@10.0.0.1:5432/groundwork")


def test_in_a_fleet_the_stores_let_the_service_in(fleet: Mapping[str, Any]) -> None:
    assert fleet["store"]["redis_bind"] == ["127.0.0.1", "-::1", "10.0.0.1"]
    assert fleet["store"]["postgresql_listen_addresses"] == ["localhost", "10.0.0.1"]
    assert sorted(fleet["store"]["postgresql_clients"]) == ["10.0.0.2", "10.0.0.3"]


def test_all_hosts_of_a_fleet_are_locked_together(fleet: Mapping[str, Any]) -> None:
    for host in fleet.values():
        assert sorted(host["groundwork_locked_hosts"]) == ["app1", "app2", "store"]


@pytest.mark.parametrize("limit", ["!app1", "store:app2", "app2,store"])
def test_a_host_that_is_left_out_is_not_locked(tmp_path: Path, limit: str) -> None:
    fleet = wired(tmp_path, FLEET, limit=limit)
    assert sorted(fleet) == ["app2", "store"]
    for host in fleet.values():
        assert sorted(host["groundwork_locked_hosts"]) == ["app2", "store"]


def test_each_store_is_backed_up_where_it_is(fleet: Mapping[str, Any]) -> None:
    assert {name: host["backup_database"] for name, host in fleet.items()} == {
        "store": "postgresql",
        "app1": "none",
        "app2": "none",
    }
    assert fleet["store"]["backup_redis_folder"]
    assert not fleet["app1"]["backup_redis_folder"]


def test_a_host_is_asked_for_the_secrets_that_it_gets(fleet: Mapping[str, Any]) -> None:
    assert "groundwork_secret_key" not in fleet["store"]["host_secrets"]
    assert "redis_operator_password" not in fleet["app1"]["host_secrets"]
    assert {"groundwork_secret_key", "redis_app_password", "postgresql_password"} <= set(
        fleet["app1"]["host_secrets"]
    )


def test_passwords_are_quoted_inside_of_urls(one: Mapping[str, Any]) -> None:
    assert ":redis_app_password%20%40%3A%2F@" in one["groundwork_base_secrets"]["redis_url"]


def test_addresses_of_ipv6_stand_in_brackets_inside_of_urls(tmp_path: Path) -> None:
    fleet = wired(tmp_path, FLEET, addresses=IPV6_ADDRESSES)
    for name in ("app1", "app2"):
        assert fleet[name]["groundwork_base_secrets"]["redis_url"].endswith("@[fd00::1]:6379/0")
        assert fleet[name]["groundwork_base_secrets"]["database_url"].endswith("@[fd00::1]:5432/groundwork")
    assert fleet["store"]["redis_bind"][-1] == "fd00::1"
    assert fleet["store"]["postgresql_clients"] == ["2001:db8:0:1:2:3:4:5", "fd00::2"]


def ports(host: Mapping[str, Any]) -> dict[str, str]:
    return {item["name"]: str(item["port"]) for item in host["host_ports"]}


def test_all_follows_where_the_settings_let_the_service_listen(tmp_path: Path) -> None:
    settings = {"api_port": 8100, "flower_port": 5600, "flower_url_prefix": "dashboard"}
    host = wired(tmp_path, ONE, groundwork_settings=settings, groundwork_flower_enabled=True)["app1"]
    assert host["groundwork_api_address"] == host["proxy_api_address"] == "127.0.0.1:8100"
    assert ports(host) == {
        "api_port in groundwork_settings": "8100",
        "flower_port in groundwork_settings": "5600",
        "proxy_https_port": "443",
        "proxy_http_port": "80",
        "redis_port": "6379",
        "postgresql_port": "5432",
    }
    wired_to_proxy = ("proxy_api_address", "proxy_flower_address", "proxy_flower_url_prefix")
    site = rendered_site(tmp_path, **{name: host[name] for name in wired_to_proxy})
    assert "location /dashboard/ {\n        proxy_pass http://127.0.0.1:5600;" in site
    assert "server 127.0.0.1:8100" in site
    assert "flower" not in site


@pytest.mark.parametrize(
    ("api_host", "listens", "asked"),
    [
        ("::1", "[::1]:8000", "[::1]:8000"),
        ("::", "[::]:8000", "[::1]:8000"),
        ("0.0.0.0", "0.0.0.0:8000", "127.0.0.1:8000"),
    ],
)
def test_the_proxy_asks_an_api_that_listens_elsewhere(
    tmp_path: Path, api_host: str, listens: str, asked: str
) -> None:
    host = wired(tmp_path, ONE, groundwork_settings={"api_host": api_host})["app1"]
    assert (host["groundwork_api_address"], host["proxy_api_address"]) == (listens, asked)


@pytest.mark.parametrize(
    ("given", "of_hosts"),
    [
        ({"redis_prefix": "shop:"}, {}),
        ({"groundwork_settings": {"redis_prefix": "shop:"}}, {}),
        ({}, {"store": {"redis_prefix": "shop:"}}),
    ],
    ids=["the variable", "the setting", "the variable of the one host"],
)
def test_one_prefix_is_for_redis_and_the_service(
    tmp_path: Path, given: dict[str, Any], of_hosts: dict[str, Any]
) -> None:
    fleet = wired(tmp_path, FLEET, of_hosts=of_hosts, **given)
    users = tmp_path / "users.acl"
    render(
        "redis",
        "etc/redis/users.acl.j2",
        to=users,
        **SECRETS,
        **given,
        **of_hosts.get("store", {}),
        groundwork_redis_prefix=fleet["store"]["groundwork_redis_prefix"],
    )
    assert "~shop:*" in users.read_text()
    for host in fleet.values():
        assert host["groundwork_all_settings"]["redis_prefix"] == "shop:"
        assert unmet(host) == []


def test_the_service_takes_port_and_user_from_the_hosts_of_the_stores(tmp_path: Path) -> None:
    of_store = {
        "redis_port": 6400,
        "redis_tls": True,
        "redis_app_user": "shop",
        "redis_database": 3,
        "postgresql_port": 5500,
        "postgresql_user": "ada",
        "postgresql_database": "ledger",
    }
    secrets = wired(tmp_path, FLEET, of_hosts={"store": of_store})["app1"]["groundwork_base_secrets"]
    assert re.fullmatch(r"rediss://shop:.*@10\.0\.0\.1:6400/3", secrets["redis_url"])
    assert re.fullmatch(r"postgresql://ada:.*@10\.0\.0\.1:5500/ledger", secrets["database_url"])


def unmet(host: Mapping[str, Any]) -> list[str]:
    return [each["fail_msg"] for each in host["host_requirements"] if not each["that"]]


#: By host, what is odd about it, and what is said of that.
ODD: dict[str, tuple[dict[str, Any], str]] = {
    "minute": ({"backup_minute": 60}, "backup_minute is 60; the minutes of an hour are 0 to 59"),
    "hours": ({"backup_hours": [3, "24"]}, "backup_hours is 3, 24; the hours of a day are 0 to 23"),
    "slow": (
        {"groundwork_settings": {"soft_shutdown_seconds": 60}},
        r"is 60; .* below .*\(60\)",
    ),
    "files elsewhere": (
        {"groundwork_settings": {"storage": "/srv/files"}},
        'storage in groundwork_settings is "/srv/files", where the services may not write',
    ),
    "files above": (
        {"groundwork_settings": {"storage": "/var/lib/groundwork/../files"}},
        "where the services may not write",
    ),
    "text": ({"groundwork_settings": {"soft_shutdown_seconds": "45s"}}, "is 45s; it must be a whole number"),
    "prefix": (
        {"groundwork_settings": {"redis_prefix": "b:"}},
        '"b:", and the broker .* "groundwork:" alone',
    ),
    "root": ({"groundwork_settings": {"flower_url_prefix": ""}}, 'flower_url_prefix .* is ""'),
    "api": ({"groundwork_settings": {"flower_url_prefix": "api"}}, "no first part of a path of the API"),
    "user": ({"postgresql_user": "Ada"}, 'postgresql_user is "Ada". It takes small letters'),
    "database": ({"postgresql_database": "a b"}, 'postgresql_database is "a b"'),
    "name": ({"groundwork_settings": {"api_host": "localhost"}}, 'api_host .* is "localhost"'),
    "wide": (
        {"redis_bind": ["127.0.0.1", "0.0.0.0"]},
        "redis_bind is 127.0.0.1, 0.0.0.0: passwords",
    ),
    "wider": (
        {"postgresql_listen_addresses": ["::"]},
        "postgresql_listen_addresses is ::: passwords",
    ),
    "guest": ({"rabbitmq_user": "guest"}, 'rabbitmq_user is "guest"'),
    "vhost": ({"rabbitmq_vhost": "a/b"}, 'rabbitmq_vhost is "a/b"'),
    "widest": ({"rabbitmq_bind": ["0.0.0.0"]}, "rabbitmq_bind is 0.0.0.0: passwords"),
    "soon": (
        {"rabbitmq_consumer_timeout_seconds": 7199},
        r"is 7199, and a task may take 7200 s \(four times task_time_limit_seconds\)",
    ),
}
ENCRYPTED = {
    "redis_bind": ["*"],
    "redis_tls": True,
    "postgresql_listen_addresses": ["*"],
    "postgresql_require_tls": True,
    "rabbitmq_bind": ["0.0.0.0"],
    "rabbitmq_tls": True,
}


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Hosts that are odd in one way each, and all in every group, behind one that is not."""
    variables = {"encrypted": ENCRYPTED, **{name: given for name, (given, _) in ODD.items()}}
    groups = {group: ["store", *variables] for group in (*ONE, "rabbitmq")}
    return wired(tmp_path_factory.mktemp("odd"), groups, of_hosts=variables)


@pytest.mark.parametrize("name", ODD)
def test_what_does_not_agree_is_said(odd: Mapping[str, Any], name: str) -> None:
    (said,) = unmet(odd[name])
    assert re.search(ODD[name][1], said), said


def test_what_is_encrypted_may_pass_on_every_network(odd: Mapping[str, Any]) -> None:
    assert unmet(odd["encrypted"]) == []


def test_a_prefix_that_others_keys_could_begin_with_is_refused_before_anything_is_changed(
    tmp_path: Path,
) -> None:
    (said,) = unmet(wired(tmp_path, ONE, redis_prefix="a:b:")["app1"])
    assert said.startswith('redis_prefix is "a:b:". It takes letters')


def test_the_wiring_and_the_roles_take_the_same_texts() -> None:
    wiring = (ANSIBLE / "group_vars/all.yml").read_text()
    for form in (
        read("redis", "vars/main.yml")["__redis_prefix_form"],
        read("postgresql", "vars/main.yml")["__postgresql_name_form"],
    ):
        assert f"match('{form.removeprefix('^')}')" in wiring


@pytest.mark.parametrize("prefix", ["my shop:", "*", "", "a:b:", "shop", "a:\n"])
def test_the_form_of_a_prefix_takes_none_that_others_could_begin_with(prefix: str) -> None:
    assert not re.match(read("redis", "vars/main.yml")["__redis_prefix_form"], prefix)


def test_all_requirements_are_met_by_default(one: Mapping[str, Any], fleet: Mapping[str, Any]) -> None:
    assert [sentence for host in (one, *fleet.values()) for sentence in unmet(host)] == []


def test_pools_and_settings_are_those_of_the_checkout(one: Mapping[str, Any]) -> None:
    known = {choice["kind"]: set(choice["known"]) for choice in one["host_choices"]}
    assert known["pool"] == {pool.name for pool in topology.POOLS}
    assert known["setting"] == set(Settings.model_fields)


def test_without_a_host_for_the_database_the_ledger_is_a_file(tmp_path: Path) -> None:
    host = wired(tmp_path, {group: members for group, members in ONE.items() if group != "database"})["app1"]
    assert host["groundwork_base_secrets"]["database_url"].startswith("sqlite:////")
    assert host["host_sqlite"]
    assert host["backup_database"] == "sqlite"


def test_a_database_elsewhere_is_backed_up_by_the_first_host_alone(tmp_path: Path) -> None:
    groups = {group: members for group, members in FLEET.items() if group != "database"}
    elsewhere = {"database_url": "postgresql://u:p@db.example.org/g"}
    fleet = wired(tmp_path, groups, groundwork_secrets=elsewhere)
    assert fleet["app1"]["host_external"] == ["database"]
    assert [name for name in sorted(fleet) if fleet[name]["backup_database"] == "url"] == ["app1"]
    assert not fleet["app1"]["host_sqlite"]


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:////srv/shop/jobs.db", "/srv/shop/jobs.db"),
        ("sqlite:///jobs.db?timeout=5", "/var/lib/groundwork/jobs.db"),
        ("sqlite+pysqlite:////srv/a%20b.db", "/srv/a b.db"),
    ],
)
def test_a_file_elsewhere_is_a_ledger_of_one_host_and_backed_up(tmp_path: Path, url: str, file: str) -> None:
    groups = {group: members for group, members in FLEET.items() if group != "database"}
    fleet = wired(tmp_path, groups, groundwork_secrets={"database_url": url})
    assert fleet["app1"]["host_sqlite"]
    assert fleet["app1"]["host_external"] == []
    assert (fleet["app1"]["backup_database"], fleet["app1"]["backup_sqlite_file"]) == ("sqlite", file)


def test_what_the_wiring_makes_a_secret_is_named_among_the_settings(tmp_path: Path) -> None:
    host = wired(tmp_path, ONE, groundwork_settings={"redis_url": "redis://x", "retention_days": 3})["app1"]
    misplaced = [choice for choice in host["host_choices"] if choice["known"] == [] and choice["given"]]
    assert [choice["given"] for choice in misplaced] == [["redis_url"]]
