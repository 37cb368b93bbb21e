"""What a deploy needs of a service manager, whichever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ansible.module_utils.groundwork.supervisor import Supervisor
from ansible.module_utils.groundwork.systemd import Systemd

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from ansible.module_utils.groundwork.instances import Instance


class Manager(Protocol):
    """Starts and stops services and knows what they said. What fails is raised as `Failure`."""

    #: How many it starts or renews together.
    at_once: int

    def files(self, release: Path, *, extra: Mapping[str, str], address: str) -> dict[Path, bytes]:
        """The files that tell it how to run a release, the inventory's among them, by where they go.

        `address` is where the API listens, if the manager listens for it.
        """

    def take_over(self, changed: Collection[Path]) -> None:
        """Make changed files known."""

    def is_running(self, instance: Instance) -> bool:
        """Whether it is up."""

    def is_enabled(self, instance: Instance) -> bool:
        """Whether it starts with the host."""

    def enable(self, instance: Instance) -> None:
        """Start it with the host from now on."""

    def start(self, instance: Instance) -> None:
        """Start what does not run; it is ready when this returns."""

    def renew(self, instance: Instance, *, changed: Collection[Path]) -> str:
        """Make it run what is installed now; the word for what was done."""

    def renew_socket(self, instances: Collection[Instance], *, changed: Collection[Path]) -> None:
        """Listen where the files say now, if that changed."""

    def remove(self, instance: Instance) -> None:
        """Stop it and start it no more."""

    def disband(self) -> None:
        """End what held the services together, now that there are none."""

    def forget(self, timer: str) -> None:
        """End a timer that another role has set."""

    def pause(self, instances: Collection[Instance]) -> None:
        """Stop these together until they are started or the host boots."""

    def seen(self, instance: Instance) -> tuple[str, str]:
        """What state it is in, and since when."""

    def installed(self) -> list[Instance]:
        """The instances that start with the host, known to us or not."""

    def last_words(self, instance: Instance) -> str:
        """What it said since this began."""


def manager_named(name: str) -> Manager:
    """The manager of a host."""
    if name == "systemd":
        return Systemd()
    if name == "supervisor":
        return Supervisor()
    raise LookupError(f'There is no service manager "{name}".')
