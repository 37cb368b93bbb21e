"""One host for all rehearsals: blank at first, then deployed; each rehearsal finds it healthy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.host.rehearsals.host import Host, blank_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.host.rehearsals.checkout import Release


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """The host of all rehearsals."""
    folder = tmp_path_factory.mktemp("host")
    with blank_host(f"groundwork-{folder.parent.name}", folder=folder) as host:
        host.settle()
        yield host


@pytest.fixture
def host(deployed: Host) -> Host:
    """The host with the first release live and healthy."""
    deployed.settle()
    return deployed


@pytest.fixture(scope="session")
def next_release(deployed: Host) -> Release:
    """The first release with another line of code."""
    return deployed.checkout.release({"app/rehearsal/__init__.py": "# The next release.\n"})


@pytest.fixture(autouse=True)
def journal_of_a_failure(request: pytest.FixtureRequest) -> Iterator[None]:
    """Print what the host had to say when a rehearsal failed."""
    failed_before = request.session.testsfailed
    yield
    if request.session.testsfailed > failed_before and "host" in request.fixturenames:
        shown = request.getfixturevalue("deployed")
        print(shown.container.shell("journalctl --no-pager --lines 80 --unit 'groundwork*' || true"))
        print(shown.container.shell("tail -n 15 /var/log/groundwork/*.log || true"))
