"""A host that somebody else uses: no deploy changes anything of theirs, and no uninstall takes it.

`scripts/test host crowded` runs these in their order, after the tests of every host.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

import pytest

from tests.host import stores
from tests.host.machines import machines
from tests.host.scenario import play

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testinfra.host import Host

#: What the scenario noted before the first deploy, and the command that prints it anew.
BEFORE, STATE = "/root/state-of-others", "state-of-others"
#: Everything with our name on it but the account of the tests and what stands still with its data.
OURS = r"""
find / -xdev \( -path /proc -o -path /sys -o -path /home/operator -o -path /tmp -o -path /var/tmp \) -prune \
    -o -iname '*groundwork*' -print
systemctl list-units --all --plain --no-legend '*groundwork*'
getent passwd groundwork || true
"""
DATA = (
    "/var/lib/groundwork", "/var/log/groundwork", "/var/backups/groundwork", "/var/lib/redis-groundwork",
    "/var/log/redis-groundwork", "/var/log/nginx-groundwork", "/var/lib/postgresql/", "/etc/postgresql/",
    "/var/log/postgresql/", "/var/lib/groundwork-deploy", "groundwork:x:",
)  # fmt: skip
#: What an inventory that knows of nobody would ask for.
UNAWARE = ("redis_port=6379", "postgresql_port=5432", '{"proxy_server_names": ["shop.example"]}')
IN_THE_WAY = (
    r"A Redis with 50 keys on port 6379 \(process \d+\) is not ours. Give redis_port .*such as 6380",
    r"The PostgreSQL cluster \d+/main with the database shop, on port 5432, is not ours. Give postgre",
    r"/etc/nginx/sites-enabled/shop serves shop.example on port 80 already. Give proxy_server_names",
    r"The account groundwork \(uid 2001, home /home/groundwork, shell /bin/sh\) exists",
    r"/opt/groundwork exists, and no deploy made it.",
    r"/etc/systemd/system/groundwork-report.service exists, and no deploy made it.",
)


@pytest.fixture(scope="module")
def host() -> Host:
    """The host of the scenario."""
    (machine,) = machines()
    return machine.host


@pytest.fixture
def namesakes(host: Host) -> Iterator[None]:
    """Things of others that are called as ours are, for the time of a test."""
    host.check_output(
        "useradd --uid 2001 --create-home groundwork && mkdir /opt/groundwork"
        " && echo theirs | tee /opt/groundwork/file /etc/systemd/system/groundwork-report.service"
    )
    yield
    host.check_output(
        "userdel --remove groundwork && rm -r /opt/groundwork /etc/systemd/system/groundwork-report.service"
    )


def changes(host: Host) -> list[str]:
    """What is different of others than before the first deploy."""
    before, now = (host.check_output(command).splitlines() for command in (f"cat {BEFORE}", STATE))
    return list(difflib.unified_diff(before, now, lineterm="", n=0))


def ours(host: Host) -> list[str]:
    return str(host.check_output(OURS)).splitlines()


def test_a_deploy_changes_nothing_of_others(host: Host) -> None:
    assert changes(host) == []
    assert host.check_output("redis-cli DBSIZE") == "50"


def test_an_uninstall_leaves_the_data_of_all(host: Host) -> None:
    rows = stores.selected(host, "SELECT count(*) > 0 FROM job")
    assert rows == ["t"]
    play("uninstall.yml").succeed()
    assert changes(host) == []
    assert [path for path in ours(host) if not path.startswith(DATA)] == []
    assert host.check_output("find /var/lib/redis-groundwork -name '*.aof' | wc -l") != "0"
    assert host.check_output("pg_lsclusters --no-header | awk '$2 == \"groundwork\" {print $4}'") == "down"


def test_a_second_uninstall_changes_nothing(host: Host) -> None:
    assert play("uninstall.yml").succeed().changed == 0
    assert changes(host) == []


def test_a_purge_takes_all_that_is_ours_and_nothing_else(host: Host) -> None:
    play("uninstall.yml", "groundwork_purge=true").succeed()
    assert ours(host) == []
    assert changes(host) == []


@pytest.mark.usefixtures("namesakes")
def test_what_is_in_the_way_is_named_before_any_change(host: Host) -> None:
    before = host.check_output(f"{STATE}; getent passwd groundwork; find /opt/groundwork")
    refused = play("deploy.yml", *UNAWARE)
    assert refused.wait() != 0
    said = " ".join(refused.output.split())
    assert [sentence for sentence in IN_THE_WAY if not re.search(sentence, said)] == [], refused.tail(40)
    play("uninstall.yml", "groundwork_purge=true").succeed()
    assert host.check_output(f"{STATE}; getent passwd groundwork; find /opt/groundwork") == before
