"""Which services a host runs, and what each of them is made of: its fingerprint."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible.module_utils.groundwork.host.settings_files import PREFIX
from ansible.module_utils.groundwork.paths import ETC, SUPERVISOR, UNITS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from ansible.module_utils.groundwork.files import File

#: What the topology of a release says of its services, for releases that were built before it did.
SAID_BEFORE = {
    "worker": {"group": "workers"},
    "api": {"group": "api"},
    "flower": {"group": "api", "own_settings": "flower_"},
    "beat": {"group": "beat"},
}


class UnknownPools(ValueError):
    """Raised when a host is to run pools that the release has not."""

    def __init__(self, *, names: Iterable[str], known: Iterable[str]) -> None:
        super().__init__(
            f"groundwork_pools names {', '.join(sorted(names))}, which this release has not. "
            f"Its pools are: {', '.join(known)}."
        )


@dataclass(frozen=True, kw_only=True, order=True)
class Instance:
    """One service of a host; for a worker also its pool."""

    service: str
    pool: str = ""

    @classmethod
    def of_unit(cls, unit: str) -> Instance:
        """The one that a unit runs: the reverse of `unit`."""
        service, _, pool = unit.removeprefix("groundwork-").removesuffix(".service").partition("@")
        return cls(service=service, pool=pool)

    @property
    def name(self) -> str:
        """What a person calls it, and what its log file is called."""
        return f"{self.service}-{self.pool}" if self.pool else self.service

    @property
    def unit(self) -> str:
        """Its unit under systemd."""
        at = f"@{self.pool}" if self.pool else ""
        return f"groundwork-{self.service}{at}.service"


def desired_instances(
    topology: Mapping[str, Any], *, groups: Collection[str], pools: Collection[str], without: Collection[str]
) -> list[Instance]:
    """The services of a host in these groups but for those `without`, in the order of the topology."""
    known = [pool["name"] for pool in topology["pools"]]
    chosen = list(pools) or known
    if unknown := set(chosen) - set(known):
        raise UnknownPools(names=unknown, known=known)
    found: list[Instance] = []
    for service in _services(topology):
        name = service["name"]
        if service["group"] not in groups or name in without:
            continue
        if service["instances"]:
            found += [Instance(service=name, pool=pool) for pool in service["instances"] if pool in chosen]
        else:
            found.append(Instance(service=name))
    return found


def settings_owners(topology: Mapping[str, Any]) -> dict[str, str]:
    """By the beginning of names of settings and secrets, the one service that reads them."""
    return {one["own_settings"]: one["name"] for one in _services(topology) if one.get("own_settings")}


def fingerprint(
    instance: Instance, *, release: str, files: Mapping[Path, File], owners: Mapping[str, str]
) -> str:
    """Everything that, when it changes, makes the running process an outdated one."""
    foreign = tuple(start for start, service in owners.items() if service != instance.service)
    total = hashlib.sha256(release.encode())
    for path in sorted(files):
        if _concerns(path, instance, foreign=foreign):
            total.update(f"\0{path}\0{_part_for(path, files[path], foreign=foreign).hexdigest()}".encode())
    return total.hexdigest()


def _services(topology: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{**SAID_BEFORE.get(service["name"], {}), **service} for service in topology["services"]]


def _concerns(path: Path, instance: Instance, *, foreign: tuple[str, ...]) -> bool:
    if path.is_relative_to(UNITS):
        template = f"groundwork-{instance.service}{'@' if instance.pool else ''}.service"
        owners = {instance.unit, template, "groundwork-.service", f"groundwork-{instance.service}.socket"}
        return {path.name, path.parent.name.removesuffix(".d")} & owners != set()
    if path.parent == SUPERVISOR:
        return path.stem == f"groundwork-{instance.name}"
    if path.parent.name == "credentials":
        return not path.name.startswith(foreign)
    return path in (ETC / "groundwork.env", ETC / f"{instance.name}.env")


def _part_for(path: Path, file: File, *, foreign: tuple[str, ...]) -> Any:
    """The content, less the lines that another service alone reads."""
    lines = file.content.splitlines()
    if path.suffix == ".env":
        starts = tuple(f"{PREFIX}{start.upper()}".encode() for start in foreign)
        lines = [line for line in lines if not line.startswith(starts)]
    return hashlib.sha256(b"\n".join(lines))
