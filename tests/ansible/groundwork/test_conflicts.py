"""What of others is in the way of a deploy is told apart from what is ours, and said in sentences."""

from __future__ import annotations

import grp
import pwd
import re
import socket
from typing import TYPE_CHECKING

import pytest
from ansible.module_utils.groundwork.ownership import clusters, conflicts, nginx_sites, redis_instances
from ansible.module_utils.groundwork.ownership.owned import Owned

from tests.servers import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHOP = """
# configuration file /etc/nginx/nginx.conf:
events { worker_connections 768; }
http { include /etc/nginx/sites-enabled/*; }
# configuration file /etc/nginx/sites-enabled/groundwork:
server { listen 443 ssl; server_name ours.example; }
# configuration file /etc/nginx/sites-enabled/shop:
server {
    listen [::]:443 ssl; # listen 80;
    server_name shop.example  www.shop.example;
    location / { if ($host) { return 404; } }
}
server {
    listen 127.0.0.1:8080;
    server_name other.example;
}
"""


@pytest.fixture
def theirs() -> Iterator[RedisServer]:
    """A Redis of somebody else."""
    server = RedisServer()
    server.start()
    yield server
    server.close()


@pytest.mark.parametrize(("keys", "words"), [(50, "50 keys"), (1, "1 key"), (0, "0 keys")])
def test_a_redis_of_others_is_named_by_its_keys(theirs: RedisServer, keys: int, words: str) -> None:
    for number in range(keys):
        theirs.client().set(f"shop:{number}", "x")
    (said,) = redis_instances.foreign(theirs.port)
    assert re.fullmatch(rf"A Redis with {words} on port {theirs.port} \(process \d+\)", said)


def test_a_redis_of_others_that_tells_a_stranger_nothing_is_named(theirs: RedisServer) -> None:
    theirs.client().config_set("requirepass", "x")
    (said,) = redis_instances.foreign(theirs.port)
    assert said.startswith("A Redis that asks for a password on port")


def test_our_own_redis_is_not_in_the_way(
    theirs: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pid").write_text(f"{theirs.client().info('server')['process_id']}\n")
    monkeypatch.setattr(redis_instances, "PIDFILE", tmp_path / "pid")
    assert redis_instances.foreign(theirs.port) == []


def test_what_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_instances, "TIMEOUT_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert redis_instances.described(silent.getsockname()[1]) == "A Redis that does not answer"


def cluster(home: Path, name: str, text: str, **more: str) -> None:
    (home / name / "conf.d").mkdir(parents=True)
    (home / name / "postgresql.conf").write_text(text)
    for file, content in more.items():
        (home / name / "conf.d" / f"{file}.conf").write_text(content)


@pytest.mark.parametrize(
    ("text", "more", "port"),
    [
        ("port = 5432\t\t\t\t# (change requires restart)\n", {}, 5432),
        ("#port = 5432\nPort 5433\n", {}, 5433),
        ("", {}, 5432),
        ("port = 5432\n", {"site": "port = '5499'\n"}, 5499),
    ],
)
def test_a_cluster_of_others_is_in_the_way_of_its_port(
    tmp_path: Path, text: str, more: dict[str, str], port: int
) -> None:
    cluster(tmp_path, "15/main", text, **more)
    (said,) = clusters.foreign(port, home=tmp_path)
    assert said.startswith("The PostgreSQL cluster 15/main")
    assert said.endswith(f", on port {port},")
    assert clusters.foreign(port + 1, home=tmp_path) == []


def test_our_own_cluster_is_not_in_the_way(tmp_path: Path) -> None:
    cluster(tmp_path, "15/groundwork", "port = 5432\n")
    assert clusters.foreign(5432, home=tmp_path) == []


@pytest.mark.parametrize(
    ("ports", "names", "found"),
    [
        ({443, 80}, {"shop.example"}, ["/etc/nginx/sites-enabled/shop serves shop.example on port 443 "]),
        ({443}, {"www.shop.example", "ours.example"}, ["/etc/nginx/sites-enabled/shop serves www."]),
        ({443}, {"other.example", "ours.example"}, []),
        ({80}, {"shop.example"}, []),
        ({8080}, {"other.example"}, ["/etc/nginx/sites-enabled/shop serves other.example on port 8080 "]),
    ],
)
def test_a_site_of_others_with_our_name_on_our_port_is_named(
    ports: set[int], names: set[str], found: list[str]
) -> None:
    said = list(nginx_sites._conflicts(SHOP, ports=ports, names=names))
    assert [begin for begin, sentence in zip(found, said, strict=True) if sentence.startswith(begin)] == found


def test_names_that_are_taken_are_in_the_way_until_they_are_ours(tmp_path: Path) -> None:
    for path in ("opt/groundwork/file", "etc/systemd/system/groundwork-report.service", "opt/shop/file"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("theirs")
    said = list(conflicts.foreign_paths(["host", "service"], owned=Owned(), root=tmp_path))
    assert [sentence.split()[0] for sentence in said] == [
        f"{tmp_path}/etc/systemd/system/groundwork-report.service",
        f"{tmp_path}/opt/groundwork",
    ]
    ours = Owned(names=["/opt/groundwork", "/etc/systemd/system/groundwork*"])
    assert list(conflicts.foreign_paths(["service"], owned=ours, root=tmp_path)) == []
    assert list(conflicts.foreign_paths(["redis"], owned=Owned(), root=tmp_path)) == []


def test_an_account_of_others_is_in_the_way_until_it_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    somebody = pwd.getpwall()[-1]
    monkeypatch.setattr(conflicts, "ACCOUNT", somebody.pw_name)
    (said,) = conflicts._account(Owned())
    assert f"(uid {somebody.pw_uid}, home {somebody.pw_dir}, shell {somebody.pw_shell}) exists" in said
    assert list(conflicts._account(Owned(account=True))) == []


def test_a_group_of_others_is_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    users = {entry.pw_name for entry in pwd.getpwall()}
    group = next(entry for entry in grp.getgrall() if entry.gr_name not in users)
    monkeypatch.setattr(conflicts, "ACCOUNT", group.gr_name)
    (said,) = conflicts._account(Owned())
    assert said.startswith(f"The group {group.gr_name} (gid {group.gr_gid}) exists")
