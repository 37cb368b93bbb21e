"""A host that the playbooks have turned into the service."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.host.rehearsals import inventory
from tests.host.rehearsals.checkout import Checkout, Release
from tests.host.rehearsals.container import ROOT, Container
from tests.host.rehearsals.playbook import Playbook
from tests.host.rehearsals.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: The variable by which an operator deploys a release that lies there already.
ARTEFACT = "groundwork_release_artefact"
#: A name: the container and what belongs to it are kept for the next run under that name.
KEEP = "GROUNDWORK_KEEP_HOST"
SETTINGS: Mapping[str, object] = {"groundwork_backup_enabled": False}


@dataclass
class Host:
    """The container, the operator's side of it, and the service on it."""

    container: Container
    checkout: Checkout
    inventory: Path
    #: What the rehearsals begin with.
    base: Release
    #: The group of the inventory that has it.
    broker: str = "redis"
    _service: Service | None = field(default=None, init=False)

    @property
    def service(self) -> Service:
        """A client of the service; it must have been deployed once."""
        if self._service is None:
            self._service = Service.of(self.container)
            self._service.make_effect_table()
        return self._service

    @contextlib.contextmanager
    def another(self, *, folder: Path, settings: Mapping[str, object]) -> Iterator[Host]:
        """A blank host of another operator's, who has the same checkout, and secrets of their own."""
        container = Container(name=f"{self.container.name}-another", folder=folder)
        container.start()
        try:
            operator = inventory.write_inventory(folder / "operator", settings=settings)
            yield Host(container=container, checkout=self.checkout, inventory=operator, base=self.base)
        finally:
            container.close()

    @property
    def release(self) -> str:
        """The id of what is live."""
        return Path(self.container.run("readlink", "-f", "/opt/groundwork/current").strip()).name

    def play(self, name: str, *arguments: str) -> Playbook:
        """Start one of the playbooks."""
        inventory.write_hosts(self.inventory, host=self.container, broker=self.broker)
        return Playbook.start(
            name, inventory=self.inventory, ansible=self.checkout.ansible, arguments=arguments
        )

    def deploy(self, release: Release, *arguments: str) -> Playbook:
        """Start a deploy of `release`."""
        return self.play("deploy.yml", "-e", f"{ARTEFACT}={release.artefact}", *arguments)

    def settle(self) -> None:
        """Make sure that the rehearsals' first release is live and healthy."""
        if not self._is_settled():
            self.deploy(self.base).succeed()

    def _is_settled(self) -> bool:
        current = self.container.shell("readlink -f /opt/groundwork/current || true").strip()
        return (
            Path(current).name == self.base.id
            and self.container.succeeds("groundwork", "smoke", "--timeout", "30")
            and not self.container.run("systemctl", "list-units", "--failed", "--no-legend", "groundwork*")
        )

    def set(self, settings: Mapping[str, object]) -> None:
        """Change the operator's settings."""
        inventory.write_settings(self.inventory, {**SETTINGS, **settings})


@contextlib.contextmanager
def blank_host(name: str, *, folder: Path) -> Iterator[Host]:
    """A blank host and a release for it; nothing is deployed."""
    if kept := os.environ.get(KEEP):
        name, folder = f"groundwork-{kept}", ROOT / "var" / "host" / kept
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    container = Container(name=name, folder=folder)
    checkout = Checkout(folder=folder / "checkout")
    checkout.fill()
    if not (kept and container.is_there()):
        container.start()
    try:
        operator = inventory.write_inventory(folder / "operator", settings=SETTINGS)
        yield Host(container=container, checkout=checkout, inventory=operator, base=checkout.release())
    finally:
        if not kept:
            container.close()
