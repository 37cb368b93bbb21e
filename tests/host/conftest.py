"""A converged host, for the tests in this folder: `host` as testinfra sees it, `machine` with what it is for.

Name what to look at, or nothing here is collected:

    MOLECULE_INVENTORY_FILE=var/host/default-12-keep/state/inventory/ansible_inventory.yml pytest tests/host
    GROUNDWORK_TEST_HOST='ssh://vagrant@127.0.0.1:2222?sudo=True&ssh_identity_file=key' pytest tests/host

A test that takes `host` or `machine` runs once on each host; `@pytest.mark.on("api", "beat")` leaves those
that are in one of these groups of the inventory, and `@pytest.mark.with_group("redis")` skips it where no
host is in that one. A test that takes `instance` runs once for each service that must run there. With
`@pytest.mark.systemd` it is skipped where something else supervises. When a test fails,
the journal of its unit is printed, else that of all units of ours.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

import pytest

from tests.host.machines import INVENTORY, ONE_HOST, Machine, machines
from tests.host.supervisors import supervisor_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from testinfra.host import Host

    from tests.host.supervisors import Supervisor

collect_ignore_glob = [] if machines() else ["test_*.py"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "on(*groups): runs on the hosts that are in one of these groups")
    config.addinivalue_line("markers", "with_group(name): runs where a host is in this group")
    config.addinivalue_line("markers", "systemd: proves what other supervisors cannot do")


def pytest_report_header() -> str:
    """Say what is looked at."""
    named = ", ".join(f"{machine.name} ({' '.join(sorted(machine.groups))})" for machine in machines())
    return f"hosts: {named or f'none; {INVENTORY} or {ONE_HOST} names them'}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "machine" not in metafunc.fixturenames:
        return
    wanted = {group for mark in metafunc.definition.iter_markers("on") for group in mark.args}
    chosen = [machine for machine in machines() if not wanted or wanted & machine.groups]
    if "instance" not in metafunc.fixturenames:
        metafunc.parametrize("machine", chosen, ids=lambda machine: machine.name)
        return
    pairs = [(machine, instance) for machine in chosen for instance in machine.instances]
    names = [f"{machine.name}-{instance.unit}" for machine, instance in pairs]
    metafunc.parametrize(("machine", "instance"), pairs, ids=names)


@pytest.fixture
def host(machine: Machine) -> Host:
    """The host, as root."""
    return machine.host


@pytest.fixture
def supervisor(host: Host) -> Supervisor:
    """What starts and restarts the services there."""
    return supervisor_of(host)


@pytest.fixture
def token(host: Host) -> Iterator[str]:
    """A token of an API client, for as long as the test takes."""
    name = f"host-test-{secrets.token_hex(4)}"
    made = host.check_output("groundwork token create --name %s --scope '*' --expires 1h --json", name)
    token = json.loads(made)
    yield str(token["secret"])
    host.check_output("groundwork token revoke %s", str(token["id"]))


@pytest.fixture(autouse=True)
def _only_with_systemd(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("systemd") is None:
        return
    if not request.getfixturevalue("supervisor").is_systemd:
        pytest.skip("there is no systemd on this host")


@pytest.fixture(autouse=True)
def _only_with_group(request: pytest.FixtureRequest) -> None:
    for mark in request.node.iter_markers("with_group"):
        if not any(mark.args[0] in machine.groups for machine in machines()):
            pytest.skip(f"no host is in the group {mark.args[0]}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    given = getattr(item, "funcargs", {})
    if report.failed and isinstance(given.get("machine"), Machine):
        said = supervisor_of(given["machine"].host).said(given.get("instance"))
        report.sections.append((f"what {given['machine'].name} said", said))
    return report
