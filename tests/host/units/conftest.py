"""The worker of one pool, with work that takes as long as a test wants."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.host.machines import machines
from tests.host.units.unit import PYTHON, Jobs, Unit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testinfra.host import Host

DOMAIN = Path(__file__).with_name("domain")
POOL = "standard"


@pytest.fixture
def jobs(host: Host) -> Iterator[Jobs]:
    """Jobs of the tests' own; the worker of the pool knows them."""
    if sum("workers" in machine.groups for machine in machines()) > 1:
        pytest.skip("a worker of the pool on another host would take the jobs, and does not know them")
    unit = f"groundwork-worker@{POOL}"
    app = host.check_output("%s -c %s", PYTHON, "import app, os; print(os.path.dirname(app.__file__))")
    put_domain(host, f"{app}/units_test")
    host.check_output("systemctl reload-or-restart %s", unit)
    yield Jobs(host)
    host.check_output("rm -rf %s /var/lib/groundwork/units-test", f"{app}/units_test")
    host.check_output("systemctl reload-or-restart %s", unit)


@pytest.fixture
def worker(host: Host) -> Iterator[Unit]:
    """The unit of the pool; it runs before and after the test."""
    unit = Unit(host, f"groundwork-worker@{POOL}")
    unit.succeed("start")
    yield unit
    unit.succeed("start")


def put_domain(host: Host, folder: str) -> None:
    """Write the tests' domain to `folder` on the host."""
    host.check_output("install -d -m 0755 %s", folder)
    for path in sorted(DOMAIN.glob("*.py")):
        host.check_output("printf %%s %s > %s", path.read_text(), f"{folder}/{path.name}")
        host.check_output("chmod 0644 %s", f"{folder}/{path.name}")
