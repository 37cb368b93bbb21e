"""What differs between a host and what it is to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible.module_utils.groundwork.files import differing
from ansible.module_utils.groundwork.host.state import current_host

if TYPE_CHECKING:
    from pathlib import Path

    from ansible.module_utils.groundwork.host.instances import Instance
    from ansible.module_utils.groundwork.host.state import Host
    from ansible.module_utils.groundwork.managers.manager import Manager


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The files, links and services that have to change; false when there are none."""

    switches_release: bool
    paths: tuple[Path, ...]
    enables: tuple[Instance, ...]
    starts: tuple[Instance, ...]
    restarts: tuple[Instance, ...]
    removes: tuple[Instance, ...]

    def __bool__(self) -> bool:
        return bool(
            self.switches_release
            or self.paths
            or self.enables
            or self.starts
            or self.restarts
            or self.removes
        )

    def touches(self, service: str) -> bool:
        """Whether a service of that name is started or made to run something else."""
        return any(one.service == service for one in (*self.starts, *self.restarts))

    def summary(self) -> dict[str, str]:
        """Per instance what is to be done, for check mode."""
        found = {one.name: "restart" for one in self.restarts}
        found |= {one.name: "start" for one in self.starts}
        found |= {one.name: "remove" for one in self.removes}
        return found | {one.name: "enable" for one in self.enables if one.name not in found}


def plan(wanted: Host, *, manager: Manager) -> Plan:
    """Compare the host with what it is to be."""
    current = current_host(also=wanted.files)
    running = {one for one in wanted.instances if manager.is_running(one)}
    known = {*current.instances, *manager.enabled()}
    return Plan(
        switches_release=current.release != wanted.release,
        paths=tuple(differing(wanted.files, known=current.files)),
        enables=tuple(one for one in wanted.instances if not manager.is_enabled(one)),
        starts=tuple(one for one in wanted.instances if one not in running),
        restarts=tuple(
            one
            for one in wanted.instances
            if one in running and current.fingerprints.get(one.name) != wanted.fingerprints.get(one.name)
        ),
        removes=tuple(sorted(known - set(wanted.instances))),
    )
