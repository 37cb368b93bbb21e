"""Which services a host runs, and what each of them is made of: its fingerprint."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible.module_utils.groundwork.paths import ETC, SUPERVISOR, UNITS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from ansible.module_utils.groundwork.files import File

#: Which group of the inventory a service belongs to, by its name in the topology.
GROUP_OF = {"api": "api", "flower": "api", "worker": "workers", "beat": "beat"}
#: Workers first: they take a new release's jobs before the API accepts any. Beat, which sends them, is last.
ORDER = ("worker", "api", "flower", "beat")
#: Settings and secrets that only one service reads, by the beginning of their names.
ONLY_FOR = {"flower": "flower"}


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
    topology: Mapping[str, Any], *, groups: Collection[str], pools: Collection[str], flower: bool
) -> list[Instance]:
    """The services of a host in these groups, in the order in which they are changed."""
    known = [pool["name"] for pool in topology["pools"]]
    chosen = list(pools) or known
    if unknown := set(chosen) - set(known):
        raise UnknownPools(names=unknown, known=known)
    found: list[Instance] = []
    for service in topology["services"]:
        name = service["name"]
        if GROUP_OF.get(name, name) not in groups or (name == "flower" and not flower):
            continue
        if service["instances"]:
            found += [Instance(service=name, pool=pool) for pool in service["instances"] if pool in chosen]
        else:
            found.append(Instance(service=name))
    return sorted(found, key=_place)


def fingerprint(instance: Instance, *, release: str, files: Mapping[Path, File]) -> str:
    """Everything that, when it changes, makes the running process an outdated one."""
    total = hashlib.sha256(release.encode())
    for path in sorted(files):
        if _concerns(path, instance):
            total.update(f"\0{path}\0{_part_for(path, files[path], instance).hexdigest()}".encode())
    return total.hexdigest()


def _place(instance: Instance) -> tuple[int, str]:
    known = ORDER.index(instance.service) if instance.service in ORDER else len(ORDER)
    return known, instance.pool


def _concerns(path: Path, instance: Instance) -> bool:
    if path.is_relative_to(UNITS):
        template = f"groundwork-{instance.service}{'@' if instance.pool else ''}.service"
        owners = {instance.unit, template, "groundwork-.service", f"groundwork-{instance.service}.socket"}
        return {path.name, path.parent.name.removesuffix(".d")} & owners != set()
    if path.parent == SUPERVISOR:
        return path.stem == f"groundwork-{instance.name}"
    if path.parent.name == "credentials":
        return ONLY_FOR.get(path.name.partition("_")[0], instance.service) == instance.service
    return path in (ETC / "groundwork.env", ETC / f"{instance.name}.env")


def _part_for(path: Path, file: File, instance: Instance) -> Any:
    """The content, less the lines that another service alone reads."""
    lines = file.content.splitlines()
    if path.suffix == ".env":
        foreign = tuple(
            f"GROUNDWORK_{start.upper()}_".encode()
            for start, service in ONLY_FOR.items()
            if service != instance.service
        )
        lines = [line for line in lines if not line.startswith(foreign)]
    return hashlib.sha256(b"\n".join(lines))
