"""The interface of a service manager, as far as a deploy needs it, and the two that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ansible.module_utils.groundwork.managers.supervisord import Supervisor
from ansible.module_utils.groundwork.managers.systemd import Systemd

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from ansible.module_utils.groundwork.host.instances import Instance


class Manager(Protocol):
    """Starts and stops services and knows what they wrote. What fails is raised as `Failure`."""

    #: How many it starts or restarts together.
    parallel: int

    def files(self, release: Path, *, extra: Mapping[str, str], address: str) -> dict[Path, bytes]:
        """The files that tell it how to run a release, the inventory's among them, by where they go.

        `address` is where the API listens, if the manager listens for it.
        """

    def reload_files(self, changed: Collection[Path]) -> None:
        """Have changed files read."""

    def is_running(self, instance: Instance) -> bool:
        """Whether it is up."""

    def is_enabled(self, instance: Instance) -> bool:
        """Whether it starts with the host."""

    def enable(self, instance: Instance) -> None:
        """Start it with the host from now on."""

    def start(self, instance: Instance) -> None:
        """Start what does not run; it is ready when this returns."""

    def reload_or_restart(self, instance: Instance, *, changed: Collection[Path]) -> str:
        """Make it run what is installed now; whether it was "reloaded" or "restarted"."""

    def restart_socket(self, instances: Collection[Instance], *, changed: Collection[Path]) -> None:
        """Listen where the files say now, if that changed."""

    def remove(self, instance: Instance) -> None:
        """Stop and disable it."""

    def stop_family(self) -> None:
        """Stop what all services belong to, now that there are none."""

    def disable_timer(self, timer: str) -> None:
        """Stop and disable a timer that another role has made."""

    def stop(self, instances: Collection[Instance]) -> None:
        """Stop these together until they are started or the host boots."""

    def status(self, instance: Instance) -> tuple[str, str]:
        """What state it is in, and since when."""

    def enabled(self) -> list[Instance]:
        """The instances that start with the host, whoever enabled them."""

    def recent_output(self, instance: Instance) -> str:
        """What it wrote since this object was made."""


def manager_named(name: str) -> Manager:
    """The manager of a host."""
    if name == "systemd":
        return Systemd()
    if name == "supervisor":
        return Supervisor()
    raise LookupError(f'There is no service manager "{name}".')
